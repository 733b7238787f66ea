import { Button, MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useStartDraft } from "@/api/actions";
import type { DraftShape } from "@/api/generated";
import { draftQuery } from "@/api/queries";
import styles from "@/shared/form/form.module.css";
import { ActionLink } from "@/shared/ui/action-link";
import { DifferenceTable } from "@/shared/ui/difference-table";
import { Facts } from "@/shared/ui/facts";
import { Page, Section } from "@/shared/ui/page";
import { planFacts } from "@/shared/ui/plan-facts";
import { QueryView } from "@/shared/ui/query-view";
import { Failed, Loading } from "@/shared/ui/states";
import { WORDS } from "./words";

type PlanProps = { draftId: string; onStarted: (runId: string) => void; onChange: () => void };

/** What a run would take, before anything is spent. */
export function Plan({ draftId, onStarted, onChange }: PlanProps) {
  const query = useQuery(draftQuery(draftId));
  return (
    <Page title={`${WORDS.planTitle}${query.data ? `: ${query.data.name}` : ""}`}>
      <QueryView query={query} loading={<Loading heights={[64, 180, 120]} />}>
        {(draft) => (
          <>
            <Consent draft={draft} />
            <Section title={WORDS.basis}>
              <Facts facts={planFacts(draft.plan)} />
              <p className={styles.hint}>{draft.plan.basis}</p>
            </Section>
            <Warnings warnings={draft.plan.warnings} />
            <Section title={WORDS.differences}>
              <DifferenceTable differences={draft.plan.differences} />
            </Section>
            <Decide draft={draft} onStarted={onStarted} onChange={onChange} />
          </>
        )}
      </QueryView>
    </Page>
  );
}

function Consent({ draft }: { draft: DraftShape }) {
  const why = draft.approval_why;
  return (
    <MessageBar intent={why ? "warning" : "info"} layout="multiline" politeness="polite">
      <MessageBarBody>
        {why ? (
          <>
            <MessageBarTitle>{WORDS.approval}</MessageBarTitle> {why}
          </>
        ) : (
          WORDS.direct
        )}
      </MessageBarBody>
    </MessageBar>
  );
}

function Warnings({ warnings }: { warnings: readonly string[] }) {
  if (warnings.length === 0) return null;
  return (
    <Section title={WORDS.warnings}>
      <ul>
        {warnings.map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
      </ul>
    </Section>
  );
}

type DecideProps = { draft: DraftShape; onStarted: (runId: string) => void; onChange: () => void };

function Decide({ draft, onStarted, onChange }: DecideProps) {
  const start = useStartDraft(draft.id);
  if (draft.started) {
    return (
      <div className={styles.send}>
        <span>{WORDS.started}</span>
        <ActionLink to="/runs/$id" params={{ id: draft.id }}>
          {WORDS.toRun}
        </ActionLink>
      </div>
    );
  }
  const begin = () => start.mutate(undefined, { onSuccess: ({ run }) => onStarted(run.id) });
  return (
    <>
      {start.error && <Failed error={start.error} />}
      <div className={styles.send}>
        <Button
          appearance="primary"
          size="large"
          disabledFocusable={start.isPending}
          onClick={begin}
        >
          {WORDS.start}
        </Button>
        <Button size="large" onClick={onChange}>
          {WORDS.change}
        </Button>
      </div>
    </>
  );
}
