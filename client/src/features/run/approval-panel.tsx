import type { Difference, RunView } from "@/api/generated";
import { ago, duration, moment, money } from "@/shared/format/format";
import { useNow } from "@/shared/format/use-now";
import { DifferenceTable } from "@/shared/ui/difference-table";
import { Facts } from "@/shared/ui/facts";
import { Section } from "@/shared/ui/page";
import { WORDS } from "./words";

type ApprovalPanelProps = { run: RunView; differences: readonly Difference[] };

/** What whoever decides must know: why it waits, what it would cost, what is unusual. */
export function ApprovalPanel({ run, differences }: ApprovalPanelProps) {
  const now = useNow();
  const { approval, plan } = run;
  if (!approval || run.status !== "awaiting_approval") return null;
  return (
    <Section title={WORDS.approval}>
      <p>
        {approval.why} {WORDS.approvalBy(ago(approval.asked_at, now), moment(approval.expires_at))}
      </p>
      <Facts
        facts={[
          {
            name: WORDS.planCost,
            value: money(plan.cost, plan.currency),
            note: `${money(plan.cost_low, plan.currency)} to ${money(plan.cost_high, plan.currency)}`,
          },
          {
            name: WORDS.planTime,
            value: duration(plan.seconds),
            note: `${duration(plan.seconds_low)} to ${duration(plan.seconds_high)}`,
          },
        ]}
      />
      <h3>{WORDS.differences}</h3>
      <DifferenceTable differences={differences} />
    </Section>
  );
}
