/** Which numbers lead, by what the run is doing. */
import type { RunView } from "@/api/generated";
import {
  bytes,
  compact,
  DASH,
  duration,
  measure,
  money,
  roughly,
  whole,
} from "@/shared/format/format";
import { STATUS } from "@/shared/status/status";
import type { Fact } from "@/shared/ui/facts";
import { WORDS } from "./words";

export function factsOf(run: RunView): Fact[] {
  const isFinal = STATUS[run.status].isFinal;
  return [...queueFacts(run), ...trainingFacts(run, isFinal), costFact(run, isFinal)];
}

/** Whether there is a number to show; before, dashes would only take room. */
export function hasBegun({ status, step, total, loss }: RunView): boolean {
  return total > 0 && (step > 0 || loss !== null || status === "training");
}

function queueFacts(run: RunView): Fact[] {
  const facts: Fact[] = [];
  if (run.queue_position !== null) {
    facts.push({ name: WORDS.queue, value: whole(run.queue_position) });
  }
  if (run.attempt > 1) facts.push({ name: WORDS.attempt, value: whole(run.attempt) });
  return facts;
}

function trainingFacts(run: RunView, isFinal: boolean): Fact[] {
  if (!hasBegun(run)) return [];
  const step = { name: WORDS.step, value: `${whole(run.step)} of ${whole(run.total)}` };
  const left = run.eta_s === null ? DASH : roughly(run.eta_s);
  const from = run.first_loss === null ? undefined : WORDS.lossFrom(measure(run.first_loss));
  return [
    step,
    isFinal ? tookFact(run) : { name: WORDS.eta, value: left },
    { name: WORDS.loss, value: measure(run.loss), note: from },
    { name: WORDS.evalLoss, value: measure(run.eval_loss) },
    { name: WORDS.speed, value: run.tokens_per_s === null ? DASH : compact(run.tokens_per_s) },
    { name: WORDS.tokens, value: compact(run.tokens) },
    ...(isFinal ? [] : readingFacts(run.readings)),
  ];
}

/** Only what is known: a CPU has no peak to compare with, and older trainers said none of it. */
function readingFacts(readings: RunView["readings"]): Fact[] {
  if (readings === null) return [];
  const { epoch, memory_bytes, peak_memory_bytes, mfu } = readings;
  const facts: Fact[] = [];
  if (epoch !== null) facts.push({ name: WORDS.epoch, value: WORDS.epochs(measure(epoch)) });
  if (memory_bytes !== null) {
    const note = peak_memory_bytes === null ? undefined : WORDS.most(bytes(peak_memory_bytes));
    facts.push({ name: WORDS.memoryNow, value: bytes(memory_bytes), note });
  }
  if (mfu !== null) facts.push({ name: WORDS.mfu, value: WORDS.ofPeak(measure(100 * mfu)) });
  return facts;
}

function tookFact(run: RunView): Fact {
  const seconds =
    run.ended_at === null ? 0 : (Date.parse(run.ended_at) - Date.parse(run.created_at)) / 1000;
  return { name: WORDS.took, value: duration(seconds) };
}

function costFact(run: RunView, isFinal: boolean): Fact {
  const { currency } = run.plan;
  const note =
    run.cost_limit === null
      ? WORDS.planned(money(run.plan.cost, currency))
      : WORDS.ofLimit(money(run.cost_limit, currency));
  const name = isFinal ? WORDS.costEnded : WORDS.cost;
  return { name, value: money(run.cost, currency), note };
}

/** The loss chart in words. */
export function lossWords(run: RunView): string {
  return WORDS.lossWords(measure(run.first_loss), measure(run.loss), whole(run.step));
}
