import type { SweepDetail } from "@/api/generated";
import { Facts } from "@/shared/ui/facts";
import { Section } from "@/shared/ui/page";
import styles from "./sweep.module.css";
import { shownValue } from "./trials";
import { WORDS } from "./words";

/** What was changed of the recipe for every run alike. */
export function Fixed({ sweep }: { sweep: SweepDetail }) {
  const facts = Object.entries(sweep.spec.changes)
    .filter(([key]) => key !== "name") // the page's own title
    .map(([key, value]) => ({ name: key, value: shownValue(value) }));
  return (
    <Section title={WORDS.fixed}>
      {facts.length > 0 ? <Facts facts={facts} /> : <p className={styles.by}>{WORDS.fixedNone}</p>}
    </Section>
  );
}
