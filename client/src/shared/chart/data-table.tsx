import { Button } from "@fluentui/react-components";
import { useState } from "react";
import type { SeriesShape } from "@/api/generated";
import { DASH, measure, whole } from "../format/format";
import { ScrollBox } from "../ui/scroll-box";
import styles from "./chart.module.css";
import { tableRows, titleOf } from "./series";

const ROWS = 50;

type DataTableProps = { title: string; steps: readonly number[]; series: readonly SeriesShape[] };

/** The chart's numbers for those who cannot see or point at it; made when it is opened. */
export function DataTable({ title, steps, series }: DataTableProps) {
  const [open, setOpen] = useState(false);
  return (
    <details className={styles.details} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title} as a table</summary>
      {open && <Rows title={title} steps={steps} series={series} />}
    </details>
  );
}

function Rows({ title, steps, series }: DataTableProps) {
  const [from, setFrom] = useState(0);
  const rows = tableRows(steps, series);
  const shown = rows.slice(from, from + ROWS);
  return (
    <>
      <ScrollBox label={`${title}: numbers`}>
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">Step</th>
              {series.flatMap(({ key }) =>
                ["last", "lowest", "highest"].map((what) => (
                  <th key={key + what} scope="col">
                    {titleOf(key)}, {what}
                  </th>
                )),
              )}
            </tr>
          </thead>
          <tbody>
            {shown.map(({ step, cells }) => (
              <tr key={step}>
                <th scope="row">{whole(Math.round(step))}</th>
                {cells.flatMap(({ last, low, high }, place) =>
                  [last, low, high].map((value, which) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its place
                    <td key={`${place} ${which}`}>{Number.isNaN(value) ? DASH : measure(value)}</td>
                  )),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
      <div className={styles.pager}>
        <Button size="small" disabled={from === 0} onClick={() => setFrom(from - ROWS)}>
          Earlier
        </Button>
        <span>
          rows {from + 1} to {from + shown.length} of {rows.length}
        </span>
        <Button
          size="small"
          disabled={from + ROWS >= rows.length}
          onClick={() => setFrom(from + ROWS)}
        >
          Later
        </Button>
      </div>
    </>
  );
}
