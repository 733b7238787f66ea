import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useConnection, useLiveInterval, useTopics } from "@/api/events/hooks";
import type { RunDetail } from "@/api/generated";
import { runQuery } from "@/api/queries";
import { STATUS } from "@/shared/status/status";
import { Page } from "@/shared/ui/page";
import { Failed, Loading } from "@/shared/ui/states";
import { Actions } from "./actions";
import { Headline } from "./headline";
import { Rail } from "./rail";
import styles from "./run.module.css";
import { RunTabs } from "./run-tabs";
import { WORDS } from "./words";

/** What all tabs of a run share: its name, how it stands, what one may do, its stages. */
export function RunFrame({ id, children }: { id: string; children: ReactNode }) {
  const query = useRun(id);
  const isLost = useConnection().state === "lost";
  if (query.data === undefined) {
    return (
      <Page title={id}>
        {query.error ? (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Loading label={WORDS.loading} heights={[24, 64, 48, 320]} />
        )}
      </Page>
    );
  }
  const { run } = query.data;
  return (
    <Page title={run.name} aside={<Actions detail={query.data} />}>
      <div data-stale={isLost || undefined} className={styles.frame}>
        <Headline run={run} trial={query.data.trial} />
        <Rail stages={run.rail} />
        <RunTabs id={run.id} />
        {children}
      </div>
    </Page>
  );
}

function useRun(id: string) {
  const interval = useLiveInterval();
  const query = useQuery({
    ...runQuery(id),
    refetchInterval: (q) => !isOver(q.state.data) && interval,
  });
  useTopics(isOver(query.data) ? [] : [`run:${id}`]);
  return query;
}

/** An ended run may still change while messages about it are on their way; a reload shows that. */
function isOver(detail: RunDetail | undefined): boolean {
  return detail !== undefined && STATUS[detail.run.status].isFinal;
}
