/** A plan's numbers in words. */
import type { Plan } from "@/api/generated";
import { bytes, compact, duration, money, whole } from "@/shared/format/format";
import type { Fact } from "@/shared/ui/facts";
import { WORDS } from "./words";

export function planFacts(plan: Plan): Fact[] {
  const { currency } = plan;
  const isPartly = plan.trained_parameters !== plan.parameters;
  return [
    {
      name: WORDS.time,
      value: duration(plan.seconds),
      note: WORDS.between(duration(plan.seconds_low), duration(plan.seconds_high)),
    },
    {
      name: WORDS.cost,
      value: money(plan.cost, currency),
      note: WORDS.between(money(plan.cost_low, currency), money(plan.cost_high, currency)),
    },
    { name: "Price", value: WORDS.price(money(plan.price_per_hour, currency)) },
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
