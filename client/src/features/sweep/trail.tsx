import type { TrailLine } from "@/api/generated";
import { moment } from "@/shared/format/format";
import { Section } from "@/shared/ui/page";
import { Prose } from "@/shared/ui/prose";
import styles from "./sweep.module.css";
import { WORDS } from "./words";

/** The sweep's audit trail, oldest first. */
export function Trail({ lines }: { lines: readonly TrailLine[] }) {
  if (lines.length === 0) return null;
  return (
    <Section title={WORDS.trail}>
      <ol className={styles.trail}>
        {lines.map(({ at, actor, text }) => (
          <li key={`${at} ${text}`}>
            <time dateTime={at} className={styles.by}>
              {moment(at)}, {actor?.name ?? WORDS.system}
            </time>
            <div className={styles.sentence}>
              <Prose>{text}</Prose>
            </div>
          </li>
        ))}
      </ol>
    </Section>
  );
}
