import type { Plan } from "@/api/generated";
import { Facts } from "@/shared/ui/facts";
import { Section } from "@/shared/ui/page";
import { planFacts } from "@/shared/ui/plan-facts";
import styles from "./run.module.css";
import { WORDS } from "./words";

/** What the run was expected to take when it was asked for. */
export function PlanPanel({ plan }: { plan: Plan }) {
  return (
    <Section title={WORDS.plan}>
      <Facts facts={planFacts(plan)} />
      <p className={styles.by}>{plan.basis}</p>
      {plan.warnings.map((warning) => (
        <p key={warning}>{warning}</p>
      ))}
    </Section>
  );
}
