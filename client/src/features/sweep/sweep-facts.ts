/** Which numbers lead, by how far the sweep is. */
import type { SweepDetail } from "@/api/generated";
import { duration, money, roughly } from "@/shared/format/format";
import { SWEEP } from "@/shared/status/sweep-status";
import type { Fact } from "@/shared/ui/facts";
import { doneOf } from "./trials";
import { WORDS } from "./words";

export function factsOf(sweep: SweepDetail): Fact[] {
  const { spec } = sweep;
  const hasBegun = sweep.runs.some(({ status }) => status !== null);
  const facts = hasBegun ? [doneFact(sweep), costFact(sweep)] : planFacts(sweep);
  facts.push({
    name: WORDS.goal,
    value: spec.goal.direction === "minimize" ? WORDS.least : WORDS.most,
    note: WORDS.figures[spec.goal.metric].toLowerCase(),
  });
  if (spec.budget.hours !== null) {
    facts.push({ name: WORDS.hours, value: WORDS.hoursOf(spec.budget.hours) });
  }
  if (spec.patience !== null) {
    facts.push({ name: WORDS.patience, value: WORDS.patienceOf(spec.patience) });
  }
  if (sweep.started_at !== null && sweep.ended_at !== null && hasBegun) {
    const seconds = (Date.parse(sweep.ended_at) - Date.parse(sweep.started_at)) / 1000;
    facts.push({ name: WORDS.took, value: duration(seconds) });
  }
  return facts;
}

function doneFact(sweep: SweepDetail): Fact {
  return { name: WORDS.done, value: WORDS.doneOf(doneOf(sweep), sweep.trials) };
}

function costFact({ cost, spec, plan, currency, status }: SweepDetail): Fact {
  const limit = spec.budget.cost;
  return {
    name: SWEEP[status].isFinal ? WORDS.costEnded : WORDS.cost,
    value: money(cost, currency),
    note:
      limit === null
        ? WORDS.planCost(money(plan.cost, currency))
        : WORDS.ofBudget(money(limit, currency)),
  };
}

function planFacts({ plan, spec, currency }: SweepDetail): Fact[] {
  const limit = spec.budget.cost;
  return [
    {
      name: WORDS.expected,
      value: money(plan.cost, currency),
      note: WORDS.between(money(plan.cost_low, currency), money(plan.cost_high, currency)),
    },
    { name: WORDS.time, value: roughly(plan.seconds) },
    ...(limit === null
      ? []
      : [{ name: WORDS.columnCost, value: WORDS.ofBudget(money(limit, currency)) }]),
  ];
}
