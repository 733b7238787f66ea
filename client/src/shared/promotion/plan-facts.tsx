import type { PromotionPlanShape } from "@/api/generated";
import { moment, money } from "@/shared/format/format";
import { type Fact, Facts } from "@/shared/ui/facts";
import styles from "./promote.module.css";
import { WORDS } from "./words";

export function PlanFacts({ plan }: { plan: PromotionPlanShape }) {
  const { plan: numbers, approval_why } = plan;
  return (
    <div className={styles.form}>
      <Facts facts={factsOf(plan)} />
      {numbers.warnings.map((warning) => (
        <p key={warning} className={styles.warning}>
          {warning}
        </p>
      ))}
      {approval_why && (
        <p className={styles.warning}>
          {WORDS.approval} {approval_why}
        </p>
      )}
    </div>
  );
}

function factsOf({ plan, cost, until, endpoint }: PromotionPlanShape): Fact[] {
  const hourly = money(plan.price_per_hour, plan.currency);
  const facts: Fact[] = [
    { name: WORDS.cost, value: WORDS.costWords(hourly, money(cost, plan.currency)) },
    { name: WORDS.until, value: moment(until) },
    {
      name: WORDS.quota,
      value: WORDS.quotaWords(plan.instances, plan.machine),
      note:
        plan.instances_in_switch > plan.instances && WORDS.quotaSwitch(plan.instances_in_switch),
    },
    { name: WORDS.endpoint, value: endpoint },
  ];
  if (plan.replaces) facts.push({ name: WORDS.replaces, value: plan.replaces });
  return facts;
}
