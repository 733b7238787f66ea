import { Link } from "@fluentui/react-components";
import { useMutation } from "@tanstack/react-query";
import { resultAddress, saveResult } from "@/api/save-file";
import { Prose } from "@/shared/ui/prose";
import styles from "./results.module.css";
import { WORDS } from "./words";

type ResultFileProps = { id: string; path: string; byLink: boolean };

/** One file: by a link where a cookie goes along with it, else fetched and then saved. */
export function ResultFile({ id, path, byLink }: ResultFileProps) {
  const save = useMutation({ mutationFn: () => saveResult(id, path) });
  if (byLink) {
    return (
      <Link href={resultAddress(id, path)} download aria-label={WORDS.save(path)} inline>
        {path}
      </Link>
    );
  }
  return (
    <>
      <Link
        as="button"
        disabled={save.isPending}
        aria-label={WORDS.save(path)}
        className={styles.file}
        onClick={() => save.mutate()}
        inline
      >
        {path}
      </Link>
      {save.error && (
        <span role="alert" className={styles.words}>
          <Prose>{save.error.message}</Prose>
        </span>
      )}
    </>
  );
}
