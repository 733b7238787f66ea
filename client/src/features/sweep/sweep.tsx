import { useQuery } from "@tanstack/react-query";
import { useConnection, useLiveInterval, useTopics } from "@/api/events/hooks";
import type { SweepDetail } from "@/api/generated";
import { sweepQuery } from "@/api/sweeps";
import { STATUS } from "@/shared/status/status";
import { SWEEP } from "@/shared/status/sweep-status";
import { Page } from "@/shared/ui/page";
import { QueryView } from "@/shared/ui/query-view";
import { Loading } from "@/shared/ui/states";
import { Actions } from "./actions";
import { ApprovalPanel, Consent } from "./consent";
import { Fixed } from "./fixed";
import { Headline } from "./headline";
import styles from "./sweep.module.css";
import { Trail } from "./trail";
import { TrialTable } from "./trial-table";
import { ValueCharts } from "./value-charts";
import { WORDS } from "./words";

type SweepProps = { id: string; sort: string; onSort: (sort: string) => void };

/** A sweep: its plan or how it goes, its best run, all its runs, and what each setting does. */
export function Sweep({ id, sort, onSort }: SweepProps) {
  const query = useSweep(id);
  const isLost = useConnection().state === "lost";
  const sweep = query.data;
  return (
    <Page title={sweep?.name ?? id} aside={sweep && <Actions sweep={sweep} />}>
      <QueryView
        query={query}
        loading={<Loading label={WORDS.loading} heights={[24, 64, 220, 280]} />}
      >
        {(found) => (
          <div data-stale={isLost || undefined} className={styles.frame}>
            <Headline sweep={found} />
            <Consent sweep={found} />
            <ApprovalPanel sweep={found} />
            <TrialTable sweep={found} sort={sort} onSort={onSort} />
            <ValueCharts sweep={found} />
            <Fixed sweep={found} />
            <Trail lines={found.trail} />
          </div>
        )}
      </QueryView>
    </Page>
  );
}

function useSweep(id: string) {
  const interval = useLiveInterval();
  const query = useQuery({
    ...sweepQuery(id),
    refetchInterval: (q) => !isOver(q.state.data) && interval,
  });
  useTopics(isOver(query.data) ? [] : ["sweeps", ...going(query.data)]);
  return query;
}

function isOver(sweep: SweepDetail | undefined): boolean {
  return sweep !== undefined && SWEEP[sweep.status].isFinal;
}

/** Its runs that can still change. */
function going(sweep: SweepDetail | undefined): string[] {
  const runs = sweep?.runs.filter(({ status }) => status !== null && !STATUS[status].isFinal);
  return (runs ?? []).map(({ run_id }) => `run:${run_id}`);
}
