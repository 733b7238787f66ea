import { Button } from "@fluentui/react-components";
import type { Right } from "@/api/generated";
import styles from "./act.module.css";
import { Prose } from "./prose";

export function ActionFault({ error }: { error: Error | null }) {
  if (error === null) return null;
  return (
    <p role="alert" className={styles.fault}>
      <Prose>{error.message}</Prose>
    </p>
  );
}

/** Why something is not possible, each reason once, for the buttons that point at it. */
export function Reasons({ id, rights }: { id: string; rights: readonly Right[] }) {
  return uniqueWhys(rights).map((why) => (
    <p key={why} id={reasonId(id, why)} className={styles.why}>
      <Prose>{why}</Prose>
    </p>
  ));
}

function uniqueWhys(rights: readonly Right[]): string[] {
  return [...new Set(rights.map(({ why }) => why).filter(Boolean))];
}

function reasonId(id: string, why: string): string {
  return `${id}-${[...why].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1e9, 7)}`;
}

type ActProps = {
  /** The `Reasons` that say why not. */
  reasons: string;
  right: Right;
  busy: boolean;
  primary?: boolean;
  onClick: () => void;
  children: string;
};

export function Act({ reasons, right, busy, primary = false, onClick, children }: ActProps) {
  return (
    <Button
      appearance={primary && right.allowed ? "primary" : "secondary"}
      disabledFocusable={!right.allowed || busy}
      aria-describedby={right.why ? reasonId(reasons, right.why) : undefined}
      onClick={onClick}
    >
      {children}
    </Button>
  );
}
