import { Link } from "@tanstack/react-router";
import type { RunList } from "@/api/generated";
import styles from "./run-list.module.css";
import { WORDS } from "./words";

export function Paging({ list, isFirst }: { list: RunList; isFirst: boolean }) {
  return (
    <nav className={styles.paging} aria-label="Pages">
      <span>{WORDS.count(list.runs.length, list.total)}</span>
      {!isFirst && (
        <Link to="/runs" search={(search) => ({ ...search, cursor: undefined })}>
          {WORDS.newest}
        </Link>
      )}
      {list.next && (
        <Link to="/runs" search={(search) => ({ ...search, cursor: list.next ?? undefined })}>
          {WORDS.older}
        </Link>
      )}
    </nav>
  );
}
