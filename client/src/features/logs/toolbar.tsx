import { Button, Checkbox, Field, Input } from "@fluentui/react-components";
import type { KeyboardEvent } from "react";
import { whole } from "@/shared/format/format";
import { Download } from "./download";
import styles from "./logs.module.css";
import { WORDS } from "./words";

type ToolbarProps = {
  id: string;
  byLink: boolean;
  total: number;
  follow: boolean;
  onFollow: (follow: boolean) => void;
  sought: string;
  onSeek: (text: string) => void;
  hits: number | undefined;
  onStep: (by: 1 | -1) => void;
  onGoTo: (line: number) => void;
};

export function Toolbar(props: ToolbarProps) {
  return (
    <div className={styles.toolbar}>
      <Seek {...props} />
      <GoTo onGoTo={props.onGoTo} />
      <Checkbox
        label={WORDS.follow}
        checked={props.follow}
        onChange={(_, { checked }) => props.onFollow(checked === true)}
      />
      <span className={styles.words}>{WORDS.total(whole(props.total))}</span>
      <Download id={props.id} byLink={props.byLink} />
    </div>
  );
}

function Seek({ sought, onSeek, hits, onStep }: ToolbarProps) {
  const byKey = (event: KeyboardEvent) => {
    if (event.key === "Enter") onStep(event.shiftKey ? -1 : 1);
  };
  return (
    <div className={styles.seek}>
      <Field label={WORDS.search} size="small">
        <Input
          type="search"
          value={sought}
          onChange={(_, { value }) => onSeek(value)}
          onKeyDown={byKey}
        />
      </Field>
      <Button size="small" disabled={!hits} onClick={() => onStep(-1)}>
        {WORDS.previous}
      </Button>
      <Button size="small" disabled={!hits} onClick={() => onStep(1)}>
        {WORDS.next}
      </Button>
      <output className={styles.words}>
        {hits !== undefined && (hits === 0 ? WORDS.noHits : WORDS.hits(hits))}
      </output>
    </div>
  );
}

function GoTo({ onGoTo }: { onGoTo: (line: number) => void }) {
  const byKey = (event: KeyboardEvent<HTMLInputElement>) => {
    const line = Math.round(Number(event.currentTarget.value));
    if (event.key === "Enter" && line >= 1) onGoTo(line);
  };
  return (
    <Field label={WORDS.goTo} size="small" className={styles.goTo}>
      <Input type="number" min={1} onKeyDown={byKey} />
    </Field>
  );
}
