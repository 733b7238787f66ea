/** A plan's numbers in words. */
import type { Memory, Plan } from "@/api/generated";
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

const MEMORY: Record<string, string> = {
  loaded: "libraries",
  weights: "weights",
  gradients: "gradients",
  optimizer: "optimizer",
  activations: "activations",
  loss: "loss",
  spread: "sharing the work",
} satisfies Record<keyof Memory, string>;

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
    { name: WORDS.memory, value: bytes(plan.memory_bytes), note: memoryNote(plan) },
  ];
}

const SMALL = 0.01; // in share of the whole: less is not worth a word

/** What the memory is for, the largest part first. */
function memoryNote({ memory, memory_bytes }: Plan): string | undefined {
  if (memory === null) return undefined;
  return Object.entries(memory)
    .filter(([, size]) => size >= SMALL * memory_bytes)
    .toSorted(([, one], [, other]) => other - one)
    .map(([part, size]) => `${MEMORY[part] ?? part} ${bytes(size)}`)
    .join(", ");
}
