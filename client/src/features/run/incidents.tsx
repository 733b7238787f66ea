import { useQuery } from "@tanstack/react-query";
import type { RunView } from "@/api/generated";
import { metricsQuery } from "@/api/queries";
import { Section } from "@/shared/ui/page";
import { lossAsked } from "./loss-asked";
import { WORDS } from "./words";

const MOST = 5;

/** Steps that stood out and what was done about them: skipped, gone back, only told. */
export function Incidents({ run }: { run: RunView }) {
  const { data } = useQuery({ ...metricsQuery(run.id, lossAsked()), enabled: run.step > 0 });
  const found = data?.marks.filter(({ kind }) => kind === "guard") ?? [];
  if (found.length === 0) return null;
  const more = found.length - MOST;
  return (
    <Section title={WORDS.incidents}>
      <ul>
        {found.slice(-MOST).map(({ text }) => (
          <li key={text}>{text}</li>
        ))}
        {more > 0 && <li>{WORDS.incidentsMore(more)}</li>}
      </ul>
    </Section>
  );
}
