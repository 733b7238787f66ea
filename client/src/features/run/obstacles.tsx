import { Link, MessageBar, MessageBarBody } from "@fluentui/react-components";
import { Fragment } from "react";
import type { RunView } from "@/api/generated";
import styles from "./run.module.css";

/** What the run waits for elsewhere, and what keeps us from seeing how it goes. */
export function Obstacles({ run }: { run: RunView }) {
  return (
    <>
      {run.why_waiting && <p className={styles.sentence}>{run.why_waiting}</p>}
      {run.trouble && (
        <MessageBar intent="warning">
          <MessageBarBody>{run.trouble}</MessageBarBody>
        </MessageBar>
      )}
      {run.links.length > 0 && (
        <p className={styles.by}>
          {run.links.map(([title, url], index) => (
            <Fragment key={url}>
              {index > 0 && " · "}
              <Link href={url} target="_blank" rel="noreferrer">
                {title}
              </Link>
            </Fragment>
          ))}
        </p>
      )}
    </>
  );
}
