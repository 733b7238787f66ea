import type { UseQueryResult } from "@tanstack/react-query";
import { QueryView } from "@/shared/ui/query-view";
import { Empty, Loading } from "@/shared/ui/states";
import { FullLog } from "./full-log";
import { useLogLength } from "./use-log-lines";
import { WORDS } from "./words";

export type LogsProps = {
  id: string;
  /** Whether a link says who asks, as in a browser; it does not in Teams. */
  byLink: boolean;
  hash: string;
  onHash: (hash: string) => void;
};

/** The run's log: pipeline steps and trainer, as it is written. */
export function Logs(props: LogsProps) {
  const length: UseQueryResult<number> = useLogLength(props.id);
  return (
    <QueryView query={length} loading={<Loading heights={[56, 480]} />}>
      {(total) =>
        total === 0 ? (
          <Empty title={WORDS.none}>{WORDS.noneText}</Empty>
        ) : (
          <FullLog {...props} total={total} />
        )
      }
    </QueryView>
  );
}
