import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { measure } from "../format/format";
import { WORDS } from "../words";
import styles from "./chart.module.css";
import { readColours } from "./colours";
import { dotOptions } from "./dot-options";
import { type Dot, dotColumns, inOrderOfX, ticksOf } from "./dots";

type DotChartProps = {
  label: string;
  /** What x is called. */
  name: string;
  dots: readonly Dot[];
  /** What stands at the places 0, 1, 2 ... where x is no number. */
  words: readonly string[];
  isLog: boolean;
};

const HEIGHT = 220;

/** A dot for each run at a setting's value; made once and then only fed (`setData`). */
export function DotChart({ label, name, dots, words, isLog }: DotChartProps) {
  const [row, setRow] = useState<number | null>(null);
  const [box, setBox] = useState<HTMLDivElement | null>(null);
  const chart = useRef<uPlot | null>(null);
  const data = useMemo(() => dotColumns(dots), [dots]);
  const ticks = ticksOf(dots)?.join(" ") ?? "";
  const named = words.join("\n");

  // What the axes are made of; new figures only feed the chart.
  useLayoutEffect(() => {
    if (box === null) return;
    const wishes = {
      colours: readColours(box),
      ticks: ticks === "" ? null : ticks.split(" ").map(Number),
      words: named === "" ? [] : named.split("\n"),
      isLog,
      onCursor: setRow,
    };
    const made = new uPlot(dotOptions(wishes, box.clientWidth, HEIGHT), undefined, box);
    const sizes = new ResizeObserver(() =>
      made.setSize({ width: box.clientWidth, height: HEIGHT }),
    );
    sizes.observe(box);
    chart.current = made;
    return () => {
      sizes.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [box, ticks, named, isLog]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a chart made anew is fed anew
  useEffect(() => {
    chart.current?.setData(data);
  }, [data, box, ticks, named, isLog]);

  const ordered = inOrderOfX(dots);
  const at = row === null ? undefined : ordered[row]?.x;
  return (
    <div>
      <div className={styles.readout}>
        {at === undefined
          ? WORDS.dots.point
          : WORDS.dots.at(`${name} ${words[at] ?? measure(at)}`, same(ordered, at))}
      </div>
      <div
        ref={setBox}
        role="img"
        aria-label={label}
        className={styles.plot}
        style={{ height: HEIGHT }}
      />
    </div>
  );
}

function same(dots: readonly Dot[], at: number): string {
  const found = dots.filter(({ x }) => x === at);
  return found.map(({ name, y }) => WORDS.dots.one(name, measure(y))).join(", ");
}
