import {
  type MouseEvent,
  useCallback,
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import {
  contentHeight,
  extendTo,
  type LineRange,
  offsetAt,
  ROW_PX,
  type Rows,
  rowsInSight,
  scrollTopFor,
} from "./lines";
import { LogRow } from "./log-row";
import styles from "./log-view.module.css";

type LogViewProps = {
  label: string;
  total: number;
  /** The line's text by row from 0; undefined while it is on its way. */
  textOf: (row: number) => string | undefined;
  onRows: (rows: Rows) => void;
  highlight: string;
  range: LineRange | null;
  onRange: (range: LineRange) => void;
  follow: boolean;
  onFollow: (follow: boolean) => void;
  /** Scroll to this line (from 1) whenever the object changes. */
  goal: { line: number } | null;
};

/** Log lines of one height, of which only those in sight exist. */
export function LogView(props: LogViewProps) {
  const { label, total, textOf, onRows, highlight, range, onRange } = props;
  const { box, rows, top, onScroll } = useScrolling(props);
  const { first, last } = rows;
  useEffect(() => onRows({ first, last }), [onRows, first, last]);
  const choose = (event: MouseEvent<HTMLElement>) => {
    const line = Number(event.currentTarget.dataset["line"]);
    event.preventDefault();
    onRange(event.shiftKey ? extendTo(range, line) : { first: line, last: line });
  };
  const shown = Array.from({ length: rows.last - rows.first }, (_, place) => rows.first + place);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by key
    <section ref={box} className={styles.box} tabIndex={0} aria-label={label} onScroll={onScroll}>
      <div className={styles.all} style={{ height: contentHeight(total) }}>
        <div className={styles.shown} style={{ top }}>
          {shown.map((row) => (
            <LogRow
              key={row}
              line={row + 1}
              text={textOf(row)}
              highlight={highlight}
              isChosen={range !== null && row + 1 >= range.first && row + 1 <= range.last}
              onChoose={choose}
            />
          ))}
        </div>
      </div>
    </section>
  );
}

function useScrolling({ total, follow, onFollow, goal }: LogViewProps) {
  const box = useRef<HTMLElement>(null);
  const [sight, setSight] = useState({ top: 0, height: 600 });
  const totalNow = useEffectEvent(() => total);
  const look = useCallback(() => {
    const { current } = box;
    if (current) setSight({ top: current.scrollTop, height: current.clientHeight });
  }, []);
  useLayoutEffect(() => {
    const sizes = new ResizeObserver(look);
    if (box.current) sizes.observe(box.current);
    return () => sizes.disconnect();
  }, [look]);
  useLayoutEffect(() => {
    if (follow && box.current) box.current.scrollTop = contentHeight(total);
  }, [follow, total]);
  useLayoutEffect(() => {
    if (goal === null || box.current === null) return;
    box.current.scrollTop = scrollTopFor(goal.line, box.current.clientHeight, totalNow());
  }, [goal]);
  const onScroll = () => {
    const { current } = box;
    if (!current) return;
    const left = current.scrollHeight - current.scrollTop - current.clientHeight;
    const isUp = current.scrollTop < sight.top;
    look();
    if (follow && isUp && left > ROW_PX) onFollow(false);
  };
  const offset = offsetAt(sight.top, sight.height, total);
  const rows = rowsInSight(offset, sight.height, total);
  return { box, onScroll, rows, top: sight.top - offset + rows.first * ROW_PX };
}
