import { Button, Link } from "@fluentui/react-components";
import { useMutation } from "@tanstack/react-query";
import { logAddress, saveLog } from "@/api/save-file";
import { Prose } from "@/shared/ui/prose";
import styles from "./logs.module.css";
import { WORDS } from "./words";

type DownloadProps = { id: string; byLink: boolean };

/** The whole log: by a link where a cookie goes along with it, else fetched and then saved. */
export function Download({ id, byLink }: DownloadProps) {
  const save = useMutation({ mutationFn: () => saveLog(id) });
  if (byLink) {
    return (
      <Link href={logAddress(id)} download inline>
        {WORDS.download}
      </Link>
    );
  }
  return (
    <>
      <Button size="small" disabled={save.isPending} onClick={() => save.mutate()}>
        {WORDS.download}
      </Button>
      {save.error && (
        <span role="alert" className={styles.words}>
          <Prose>{save.error.message}</Prose>
        </span>
      )}
    </>
  );
}
