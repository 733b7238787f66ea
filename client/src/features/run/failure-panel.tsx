import { MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { Link } from "@tanstack/react-router";
import type { Diagnosis } from "@/api/generated";
import { Section } from "@/shared/ui/page";
import { ScrollBox } from "@/shared/ui/scroll-box";
import styles from "./run.module.css";
import { WORDS } from "./words";

/** The plain cause, the remedy, and the log's last lines as evidence. */
export function FailurePanel({ id, diagnosis }: { id: string; diagnosis: Diagnosis }) {
  const tail = diagnosis.log_tail;
  return (
    <Section title={WORDS.failedTitle}>
      <MessageBar intent="error" layout="multiline" politeness="polite">
        <MessageBarBody>
          <MessageBarTitle>{diagnosis.cause}</MessageBarTitle>
          <p className={styles.remedy}>
            <strong>{WORDS.remedy}:</strong> {diagnosis.remedy}
          </p>
        </MessageBarBody>
      </MessageBar>
      {tail.length > 0 && (
        <>
          <div className={styles.tailHead}>
            <h3 className={styles.h3}>{WORDS.tail}</h3>
            <Link to="/runs/$id/logs" params={{ id }}>
              {WORDS.allLog}
            </Link>
          </div>
          <ScrollBox label={WORDS.tail}>
            <pre className={styles.tail}>{tail.join("\n")}</pre>
          </ScrollBox>
        </>
      )}
    </Section>
  );
}
