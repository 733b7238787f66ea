import { useQuery } from "@tanstack/react-query";
import { useLiveInterval, useTopics } from "@/api/events/hooks";
import type { RunList as RunListShape } from "@/api/generated";
import { runsQuery } from "@/api/queries";
import { STATUS } from "@/shared/status/status";
import { ActionLink, SecondaryLink } from "@/shared/ui/action-link";
import { Page } from "@/shared/ui/page";
import { QueryView } from "@/shared/ui/query-view";
import { Loading } from "@/shared/ui/states";
import { askedFor, type RunFilter } from "./asked";
import { Filters } from "./filters";
import { NoRuns } from "./no-runs";
import { Paging } from "./paging";
import styles from "./run-list.module.css";
import { RunTable } from "./run-table";
import { WORDS } from "./words";

type RunListProps = { filter: RunFilter; onFilter: (filter: RunFilter) => void };

export function RunList({ filter, onFilter }: RunListProps) {
  const query = useQuery({ ...runsQuery(askedFor(filter)), refetchInterval: useLiveInterval() });
  useTopics(topicsOf(query.data));
  return (
    <Page title={WORDS.title} aside={<Aside />}>
      <Filters filter={filter} onFilter={onFilter} />
      <QueryView query={query} loading={<Loading heights={[40, 56, 56, 56, 56]} />}>
        {(list) =>
          list.runs.length === 0 ? (
            <NoRuns filter={filter} />
          ) : (
            <div className={styles.list} data-stale={query.isPlaceholderData || undefined}>
              <RunTable runs={list.runs} />
              <Paging list={list} isFirst={!filter.cursor} />
            </div>
          )
        }
      </QueryView>
    </Page>
  );
}

function Aside() {
  return (
    <div className={styles.aside}>
      <SecondaryLink to="/sweeps">{WORDS.sweeps}</SecondaryLink>
      <ActionLink to="/runs/new">{WORDS.start}</ActionLink>
    </div>
  );
}

/** New runs, and each run shown that can still change. */
function topicsOf(list: RunListShape | undefined): string[] {
  const going = list?.runs.filter((run) => !STATUS[run.status].isFinal) ?? [];
  return ["runs", ...going.map((run) => `run:${run.id}`)];
}
