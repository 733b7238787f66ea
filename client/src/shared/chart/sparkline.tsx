import type { Point } from "@/api/generated";
import { measure, whole } from "../format/format";
import { WORDS } from "../words";
import styles from "./chart.module.css";
import { extent } from "./series";

const WIDTH = 600;
const HEIGHT = 140;

/** A small curve of few points, with its ends in words. */
export function Sparkline({ points, label }: { points: readonly Point[]; label: string }) {
  const [left, right] = extent(points.map((point) => point.step)) ?? [0, 1];
  const [low, high] = extent(points.map((point) => point.value)) ?? [0, 1];
  const x = (step: number) => ((step - left) / (right - left || 1)) * WIDTH;
  const y = (value: number) => HEIGHT - ((value - low) / (high - low || 1)) * HEIGHT;
  const line = points.map(({ step, value }) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
  return (
    <figure className={styles.spark}>
      <svg
        role="img"
        aria-label={label}
        viewBox={`0 -4 ${WIDTH} ${HEIGHT + 8}`}
        preserveAspectRatio="none"
        className={styles.sparkSvg}
      >
        <polyline points={line.join(" ")} className={styles.sparkLine} />
      </svg>
      <figcaption className={styles.sparkWords}>
        <span>{WORDS.step(whole(left))}</span>
        <span>{WORDS.range(measure(low), measure(high))}</span>
        <span>{WORDS.step(whole(right))}</span>
      </figcaption>
    </figure>
  );
}
