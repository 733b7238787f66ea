import { type MouseEvent, memo } from "react";
import { WORDS } from "../words";
import { splitAt } from "./lines";
import styles from "./log-view.module.css";

type LogRowProps = {
  line: number;
  text: string | undefined;
  highlight: string;
  isChosen: boolean;
  onChoose: (event: MouseEvent<HTMLElement>) => void;
};

function Row({ line, text, highlight, isChosen, onChoose }: LogRowProps) {
  return (
    <div className={styles.row} data-chosen={isChosen || undefined}>
      <a
        href={`#L${line}`}
        className={styles.number}
        data-line={line}
        tabIndex={-1}
        aria-label={WORDS.linkTo(line)}
        onClick={onChoose}
      >
        {line}
      </a>
      <span className={styles.text}>
        {text === undefined ? "…" : splitAt(text, highlight).map(part)}
      </span>
    </div>
  );
}

function part(text: string, place: number) {
  return place % 2 === 1 ? <mark key={place}>{text}</mark> : text;
}

export const LogRow = memo(Row, (old, now) => {
  return (
    old.line === now.line &&
    old.text === now.text &&
    old.highlight === now.highlight &&
    old.isChosen === now.isChosen &&
    !now.isChosen
  );
});
