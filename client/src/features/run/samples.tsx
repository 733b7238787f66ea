import type { SampleSeen } from "@/api/generated";
import { whole } from "@/shared/format/format";
import { Section } from "@/shared/ui/page";
import styles from "./run.module.css";
import { WORDS } from "./words";

/** What the model wrote when asked, newest first. */
export function Samples({ samples }: { samples: readonly SampleSeen[] }) {
  if (samples.length === 0) return null;
  return (
    <Section title={WORDS.samples}>
      <div className={styles.samples}>
        {samples.toReversed().map(({ step, prompt, text }) => (
          <figure key={`${step} ${prompt}`} className={styles.sample}>
            <figcaption className={styles.prompt}>
              {prompt} <span className={styles.atStep}>{WORDS.atStep(whole(step))}</span>
            </figcaption>
            <blockquote className={styles.answer}>{text}</blockquote>
          </figure>
        ))}
      </div>
    </Section>
  );
}
