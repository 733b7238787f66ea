/** A plan's numbers in words. */
import type { Plan } from "@/api/generated";
import { bytes, compact, money, roughly, whole } from "../format/format";
import type { Fact } from "./facts";

const WORDS = {
  parameters: "Parameters",
  trained: (count: string) => `${count} of them trained`,
  steps: "Steps",
  tokens: "Tokens",
  memory: "Memory",
  time: "Time",
  cost: "Cost",
  price: "Price",
  perHour: "an hour of one machine",
  between: (low: string, high: string) => `${low} to ${high}`,
};

export function planFacts(plan: Plan): Fact[] {
  const { currency } = plan;
  const isPartly = plan.trained_parameters !== plan.parameters;
  return [
    {
      name: WORDS.time,
      value: roughly(plan.seconds),
      note: WORDS.between(roughly(plan.seconds_low), roughly(plan.seconds_high)),
    },
    {
      name: WORDS.cost,
      value: money(plan.cost, currency),
      note: WORDS.between(money(plan.cost_low, currency), money(plan.cost_high, currency)),
    },
    { name: WORDS.price, value: money(plan.price_per_hour, currency), note: WORDS.perHour },
    {
      name: WORDS.parameters,
      value: compact(plan.parameters),
      note: isPartly && WORDS.trained(compact(plan.trained_parameters)),
    },
    { name: WORDS.steps, value: whole(plan.steps) },
    { name: WORDS.tokens, value: compact(plan.tokens) },
    { name: WORDS.memory, value: bytes(plan.memory_bytes) },
  ];
}
