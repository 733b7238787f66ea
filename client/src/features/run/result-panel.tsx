import { MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { Link } from "@tanstack/react-router";
import type { ResultSeen, RunView, Verdict } from "@/api/generated";
import { bytes, compact, duration, measure, whole } from "@/shared/format/format";
import { type Fact, Facts } from "@/shared/ui/facts";
import { Section } from "@/shared/ui/page";
import { Measures } from "./measures";
import styles from "./run.module.css";
import { WORDS } from "./words";

export function ResultPanel({ run, result }: { run: RunView; result: ResultSeen }) {
  return (
    <Section title={WORDS.result}>
      {run.verdict && <VerdictBar verdict={run.verdict} />}
      {result.ended && !run.verdict?.text.includes(result.ended) && (
        <div className={styles.verdict}>
          <MessageBar intent="info" layout="multiline" politeness="polite">
            <MessageBarBody>
              <MessageBarTitle>{WORDS.endedEarly}</MessageBarTitle> {result.ended}
            </MessageBarBody>
          </MessageBar>
        </div>
      )}
      <Facts
        facts={[
          {
            name: WORDS.evalLoss,
            value: measure(result.eval_loss),
            note: WORDS.lossFrom(measure(result.first_eval_loss)),
          },
          ...perplexityFacts(result),
          { name: WORDS.loss, value: measure(result.loss) },
          ...weightsFacts(result),
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
      <Measures before={result.first_metrics} after={result.metrics} />
    </Section>
  );
}

/** None where the loss is not in nats a token, as when preferences are learned. */
function perplexityFacts({ eval_perplexity: value }: ResultSeen): Fact[] {
  return value === null ? [] : [{ name: WORDS.perplexity, value: measure(value) }];
}

/** Said where the model has other weights than the last ones. */
function weightsFacts({ best_step: step }: ResultSeen): Fact[] {
  return step === null ? [] : [{ name: WORDS.weightsOf, value: WORDS.stepNumber(whole(step)) }];
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
