import type { Difference, RunView } from "@/api/generated";
import { ago, moment } from "@/shared/format/format";
import { useNow } from "@/shared/format/use-now";
import { DifferenceTable } from "@/shared/ui/difference-table";
import { Section } from "@/shared/ui/page";
import styles from "./run.module.css";
import { WORDS } from "./words";

type ApprovalPanelProps = { run: RunView; differences: readonly Difference[] };

/** What whoever decides must know: why it waits, what it would cost, what is unusual. */
export function ApprovalPanel({ run, differences }: ApprovalPanelProps) {
  const now = useNow();
  const { approval } = run;
  if (!approval || run.status !== "awaiting_approval") return null;
  return (
    <Section title={WORDS.approval}>
      <p>
        {approval.why} {WORDS.approvalBy(ago(approval.asked_at, now), moment(approval.expires_at))}
      </p>
      <h3 className={styles.h3}>{WORDS.differences}</h3>
      <DifferenceTable differences={differences} />
    </Section>
  );
}
