import { Button, MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { ApiError } from "@/api/problem";
import { WORDS } from "../words";
import { ActionLink } from "./action-link";
import { Prose } from "./prose";
import styles from "./ui.module.css";

/** Grey blocks of the final size, so that nothing jumps when the data is there. */
export function Loading({ heights, label = WORDS.loading }: { heights: number[]; label?: string }) {
  return (
    <div role="status" aria-label={label} className={styles.stack}>
      {heights.map((height, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the blocks have no other identity
        <div key={place} className={styles.skeleton} style={{ height }} />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <p className={styles.emptyTitle}>{title}</p>
      {children}
    </div>
  );
}

/** What went wrong, in the server's own sentence, and a way on. */
export function Failed({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const title = error instanceof ApiError ? error.title : WORDS.ownFault;
  return (
    <div className={styles.stack} role="alert">
      <MessageBar intent="error" layout="multiline">
        <MessageBarBody>
          <MessageBarTitle>{title}</MessageBarTitle> <Prose>{error.message}</Prose>
        </MessageBarBody>
      </MessageBar>
      <div>
        {error instanceof ApiError && error.status === 404 ? (
          <ActionLink to="/runs">{WORDS.toRuns}</ActionLink>
        ) : (
          onRetry && <Button onClick={onRetry}>{WORDS.tryAgain}</Button>
        )}
      </div>
    </div>
  );
}
