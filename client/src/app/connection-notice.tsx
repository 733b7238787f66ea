import { Button, MessageBar, MessageBarActions, MessageBarBody } from "@fluentui/react-components";
import { useConnection } from "@/api/events/hooks";
import { duration } from "@/shared/format/format";
import { useNow } from "@/shared/format/use-now";
import styles from "./app.module.css";
import { WORDS } from "./words";

const PATIENCE_S = 2; // shorter gaps mend themselves before anyone could read of them

export function ConnectionNotice() {
  const { state, heardAt, reconnect } = useConnection();
  const age_s = (useNow() - heardAt) / 1000;
  if (state !== "lost" || age_s < PATIENCE_S) return null;
  return (
    <div className={styles.notice} data-testid="connection-lost">
      <MessageBar intent="warning" layout="multiline" politeness="polite">
        <MessageBarBody>{WORDS.lost(duration(age_s))}</MessageBarBody>
        <MessageBarActions>
          <Button size="small" onClick={reconnect}>
            {WORDS.reconnect}
          </Button>
        </MessageBarActions>
      </MessageBar>
    </div>
  );
}
