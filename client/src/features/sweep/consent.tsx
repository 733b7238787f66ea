import { MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import type { SweepDetail } from "@/api/generated";
import { ago, moment } from "@/shared/format/format";
import { useNow } from "@/shared/format/use-now";
import { Section } from "@/shared/ui/page";
import styles from "./sweep.module.css";
import { WORDS } from "./words";

/** Before anything is spent: whether it starts at once, or who must agree. */
export function Consent({ sweep }: { sweep: SweepDetail }) {
  if (sweep.status !== "planned") return null;
  const why = sweep.plan.approval_why;
  return (
    <div className={styles.panel}>
      <MessageBar intent={why ? "warning" : "info"} layout="multiline" politeness="polite">
        <MessageBarBody>
          {why ? (
            <>
              <MessageBarTitle>{WORDS.consent}</MessageBarTitle> {why}
            </>
          ) : (
            WORDS.direct
          )}
        </MessageBarBody>
      </MessageBar>
    </div>
  );
}

/** What whoever decides must know. */
export function ApprovalPanel({ sweep }: { sweep: SweepDetail }) {
  const now = useNow();
  const { approval } = sweep;
  if (approval === null) return null;
  return (
    <Section title={WORDS.approval}>
      <p>
        {approval.why} {WORDS.approvalBy(ago(approval.asked_at, now), moment(approval.expires_at))}
      </p>
    </Section>
  );
}
