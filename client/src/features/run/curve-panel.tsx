import { Link } from "@tanstack/react-router";
import type { RunView } from "@/api/generated";
import { Sparkline } from "@/shared/chart/sparkline";
import { measure } from "@/shared/format/format";
import { Section } from "@/shared/ui/page";
import { WORDS } from "./words";

export function CurvePanel({ run }: { run: RunView }) {
  if (run.curve.length < 2) return null;
  const link = (
    <Link to="/runs/$id/metrics" params={{ id: run.id }}>
      {WORDS.curveLink}
    </Link>
  );
  return (
    <Section title={WORDS.curve} aside={link}>
      <Sparkline
        points={run.curve}
        label={`${WORDS.loss} ${measure(run.first_loss)} to ${measure(run.loss)}`}
      />
    </Section>
  );
}
