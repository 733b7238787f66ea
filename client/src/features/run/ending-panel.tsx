import { MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import type { RunView } from "@/api/generated";
import styles from "./run.module.css";
import { WORDS } from "./words";

/** Who ended the run before its time, and why. */
export function EndingPanel({ run }: { run: RunView }) {
  const title = titleOf(run);
  if (title === null) return null;
  return (
    <div className={styles.panel}>
      <MessageBar intent="info" layout="multiline" politeness="polite">
        <MessageBarBody>
          <MessageBarTitle>{title}</MessageBarTitle> {run.decision_reason || WORDS.noReason}
        </MessageBarBody>
      </MessageBar>
    </div>
  );
}

function titleOf(run: RunView): string | null {
  if (run.status === "cancelled") return WORDS.cancelledTitle(run.cancelled_by ?? WORDS.system);
  if (run.status === "rejected") return WORDS.rejectedTitle(run.decided_by ?? WORDS.system);
  return null;
}
