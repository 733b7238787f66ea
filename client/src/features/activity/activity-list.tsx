import { useQuery } from "@tanstack/react-query";
import { useLiveInterval } from "@/api/events/hooks";
import type { EventShape } from "@/api/generated";
import { activityQuery } from "@/api/queries";
import { moment } from "@/shared/format/format";
import { QueryView } from "@/shared/ui/query-view";
import { Empty, Loading } from "@/shared/ui/states";
import styles from "./activity.module.css";
import { WORDS } from "./words";

/** Who did what, when and from where: the trail that chat and page share. */
export function ActivityList({ id }: { id: string }) {
  const query = useQuery({ ...activityQuery(id), refetchInterval: useLiveInterval() });
  return (
    <QueryView query={query} loading={<Loading heights={[48, 48, 48, 48]} />}>
      {({ events }) =>
        events.length === 0 ? (
          <Empty title={WORDS.none} />
        ) : (
          <ol className={styles.list} aria-label={WORDS.title}>
            {events.map((event) => (
              <Line key={event.seq} event={event} />
            ))}
          </ol>
        )
      }
    </QueryView>
  );
}

function Line({ event }: { event: EventShape }) {
  return (
    <li className={styles.line}>
      <time dateTime={event.at} className={styles.time}>
        {moment(event.at)}
      </time>
      <span>
        <span className={styles.text}>{event.text}</span>
        <span className={styles.who}>
          {event.actor ?? WORDS.system} · {WORDS.sources[event.source] ?? event.source}
        </span>
      </span>
    </li>
  );
}
