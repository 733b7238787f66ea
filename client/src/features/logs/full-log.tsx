import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { logSearchQuery } from "@/api/queries";
import { whole } from "@/shared/format/format";
import { hashOfRange, nextHit, type Rows, rangeOfHash } from "@/shared/logview/lines";
import { LogView } from "@/shared/logview/log-view";
import { Failed } from "@/shared/ui/states";
import type { LogsProps } from "./logs";
import { Toolbar } from "./toolbar";
import { useLogLines } from "./use-log-lines";
import { WORDS } from "./words";

/** The lines with their tools. A link to a line is gone to at once; else the end is followed. */
export function FullLog({ id, byLink, total, hash, onHash }: LogsProps & { total: number }) {
  const range = rangeOfHash(hash);
  const [follow, setFollow] = useState(range === null);
  const [goal, setGoal] = useState(range && { line: range.first });
  const [rows, setRows] = useState<Rows>({ first: 0, last: 0 });
  const [sought, setSought] = useState("");
  const hits = useQuery(logSearchQuery(id, sought)).data;
  const { textOf, error } = useLogLines(id, rows, total);
  const goTo = (line: number) => {
    setFollow(false);
    setGoal({ line });
    onHash(hashOfRange({ first: line, last: line }));
  };
  const step = (by: 1 | -1) => {
    const from = range?.first ?? rows.first;
    const hit = nextHit(hits?.numbers ?? [], from, by);
    if (hit !== null) goTo(hit);
  };
  return (
    <>
      <Toolbar
        id={id}
        byLink={byLink}
        total={total}
        follow={follow}
        onFollow={setFollow}
        sought={sought}
        onSeek={setSought}
        hits={sought === "" ? undefined : hits?.total}
        onStep={step}
        onGoTo={(line) => goTo(Math.min(line, total))}
      />
      {error && <Failed error={error} />}
      <LogView
        label={WORDS.label(whole(total))}
        total={total}
        textOf={textOf}
        onRows={setRows}
        highlight={sought}
        range={range}
        onRange={(chosen) => {
          setFollow(false);
          onHash(hashOfRange(chosen));
        }}
        follow={follow}
        onFollow={setFollow}
        goal={goal}
      />
    </>
  );
}
