import { Button, MessageBar, MessageBarActions, MessageBarBody } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { ApiError } from "@/api/problem";
import { meQuery } from "@/api/queries";
import { Prose } from "@/shared/ui/prose";
import styles from "./sign-in.module.css";
import { WORDS } from "./words";

/** The session is over while a page is open: it stays as it is, until the person leaves it. */
export function SessionNotice({ onSignIn }: { onSignIn: () => void }) {
  const { error } = useQuery(meQuery());
  if (!(error instanceof ApiError && [401, 403].includes(error.status))) return null;
  return (
    <div className={styles.session}>
      <MessageBar intent="warning" layout="multiline" politeness="polite">
        <MessageBarBody>
          <Prose>{error.message}</Prose>
        </MessageBarBody>
        <MessageBarActions>
          <Button size="small" onClick={onSignIn}>
            {WORDS.signIn}
          </Button>
        </MessageBarActions>
      </MessageBar>
    </div>
  );
}
