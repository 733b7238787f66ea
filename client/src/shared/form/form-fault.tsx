import type { FieldProblem } from "@/api/generated";
import { ApiError } from "@/api/problem";
import { Prose } from "@/shared/ui/prose";
import { Failed } from "@/shared/ui/states";
import styles from "./form.module.css";
import { WORDS } from "./words";

type FormFaultProps = { error: Error | null; loose: readonly FieldProblem[] };

/** Faults that belong to no single input, or why the server gave no answer. */
export function FormFault({ error, loose }: FormFaultProps) {
  if (error === null) return null;
  const isByField = error instanceof ApiError && error.faults.length > 0;
  if (!isByField) return <Failed error={error} />;
  if (loose.length === 0) return null;
  return (
    <div role="alert" className={styles.loose}>
      <strong>{WORDS.whole}</strong>
      <ul>
        {loose.map(({ loc, msg }) => (
          <li key={loc + msg}>
            {loc && <code>{loc}</code>} <Prose>{msg}</Prose>
          </li>
        ))}
      </ul>
    </div>
  );
}
