import { Button } from "@fluentui/react-components";
import { useState } from "react";
import type { SeriesShape } from "@/api/generated";
import { DASH, measure, whole } from "../format/format";
import { ScrollBox } from "../ui/scroll-box";
import { WORDS } from "../words";
import styles from "./chart.module.css";
import { tableRows, titleOf } from "./series";

const ROWS = 50;

type DataTableProps = { title: string; steps: readonly number[]; series: readonly SeriesShape[] };

/** The chart's numbers for those who cannot see or point at it; made when it is opened. */
export function DataTable({ title, steps, series }: DataTableProps) {
  const [open, setOpen] = useState(false);
  return (
    <details className={styles.details} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{WORDS.table.title(title)}</summary>
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
      <ScrollBox label={WORDS.table.label(title)}>
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">{WORDS.table.step}</th>
              {series.flatMap(({ key }) =>
                [WORDS.table.last, WORDS.table.lowest, WORDS.table.highest].map((what) => (
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
          {WORDS.table.earlier}
        </Button>
        <span>{WORDS.table.rows(from + 1, from + shown.length, rows.length)}</span>
        <Button
          size="small"
          disabled={from + ROWS >= rows.length}
          onClick={() => setFrom(from + ROWS)}
        >
          {WORDS.table.later}
        </Button>
      </div>
    </>
  );
}
