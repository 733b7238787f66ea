import { MessageBar, MessageBarBody } from "@fluentui/react-components";
import { Link } from "@tanstack/react-router";
import type { ResultSeen, RunView, Verdict } from "@/api/generated";
import { bytes, compact, duration, measure } from "@/shared/format/format";
import { Facts } from "@/shared/ui/facts";
import { Section } from "@/shared/ui/page";
import styles from "./run.module.css";
import { WORDS } from "./words";

export function ResultPanel({ run, result }: { run: RunView; result: ResultSeen }) {
  return (
    <Section title={WORDS.result}>
      {run.verdict && <VerdictBar verdict={run.verdict} />}
      <Facts
        facts={[
          {
            name: WORDS.evalLoss,
            value: measure(result.eval_loss),
            note: WORDS.lossFrom(measure(result.first_eval_loss)),
          },
          { name: WORDS.perplexity, value: measure(result.eval_perplexity) },
          ...Object.entries(result.metrics)
            .filter(([name]) => !name.endsWith("_stderr"))
            .map(([name, value]) => ({ name, value: measure(value) })),
          { name: WORDS.loss, value: measure(result.loss) },
          { name: WORDS.tokens, value: compact(result.tokens) },
          { name: WORDS.trained, value: duration(result.train_s) },
          { name: WORDS.memory, value: bytes(result.peak_memory_bytes) },
          {
            name: WORDS.model,
            value: (
              <Link to="/runs/$id/results" params={{ id: run.id }}>
                {WORDS.modelFiles}
              </Link>
            ),
          },
        ]}
      />
    </Section>
  );
}

function VerdictBar({ verdict }: { verdict: Verdict }) {
  const intent = { true: "success", false: "warning", null: "info" } as const;
  return (
    <div className={styles.verdict}>
      <MessageBar intent={intent[`${verdict.reached}`]} layout="multiline" politeness="polite">
        <MessageBarBody>{verdict.text}</MessageBarBody>
      </MessageBar>
    </div>
  );
}
