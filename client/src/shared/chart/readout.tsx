import type { SeriesShape } from "@/api/generated";
import { DASH, measure, whole } from "../format/format";
import { WORDS } from "../words";
import styles from "./chart.module.css";
import { LINE_TOKENS } from "./colours";
import { titleOf } from "./series";

type ReadoutProps = {
  data: (number | null)[][];
  series: readonly SeriesShape[];
  row: number | null;
};

/** The values under the crosshair, or the last ones; also the chart's legend. */
export function Readout({ data, series, row }: ReadoutProps) {
  const at = row ?? (data[0]?.length ?? 0) - 1;
  const step = data[0]?.[at];
  return (
    <div className={styles.readout}>
      <span>
        {WORDS.step(step === null || step === undefined ? DASH : whole(Math.round(step)))}
      </span>
      {series.map(({ key }, place) => {
        const [high, low, line] = [1, 2, 3].map((k) => data[3 * place + k]?.[at]);
        return (
          <span key={key}>
            <i
              className={styles.swatch}
              style={{ background: `var(${LINE_TOKENS[place % LINE_TOKENS.length]})` }}
            />
            {titleOf(key)} <strong>{measure(line)}</strong>
            {low !== high && ` (${WORDS.range(measure(low), measure(high))})`}
          </span>
        );
      })}
    </div>
  );
}
