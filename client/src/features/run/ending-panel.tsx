import { MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import type { RunView } from "@/api/generated";
import styles from "./run.module.css";
import { WORDS } from "./words";

/** Who ended the run before its time, and why. */
export function EndingPanel({ run }: { run: RunView }) {
  const ending = endingOf(run);
  if (ending === null) return null;
  return (
    <div className={styles.panel}>
      <MessageBar intent="info" layout="multiline" politeness="polite">
        <MessageBarBody>
          <MessageBarTitle>{ending.title}</MessageBarTitle> {ending.reason || WORDS.noReason}
        </MessageBarBody>
      </MessageBar>
    </div>
  );
}

function endingOf(run: RunView): { title: string; reason: string | null } | null {
  if (run.status === "cancelled") {
    return { title: WORDS.cancelledTitle(run.cancelled_by ?? WORDS.system), reason: run.note };
  }
  if (run.status === "rejected") {
    return {
      title: WORDS.rejectedTitle(run.decided_by ?? WORDS.system),
      reason: run.decision_reason,
    };
  }
  return null;
}
