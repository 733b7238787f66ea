import { useQuery } from "@tanstack/react-query";
import { useLiveInterval } from "@/api/events/hooks";
import type { ResultFileShape } from "@/api/generated";
import { resultsQuery } from "@/api/queries";
import { bytes } from "@/shared/format/format";
import { QueryView } from "@/shared/ui/query-view";
import { Empty, Loading } from "@/shared/ui/states";
import tables from "@/shared/ui/tables.module.css";
import { ResultFile } from "./result-file";
import styles from "./results.module.css";
import { WORDS } from "./words";

type ResultsProps = { id: string; byLink: boolean };

/** The files that the run's job wrote, each to be downloaded. */
export function Results({ id, byLink }: ResultsProps) {
  const query = useQuery({ ...resultsQuery(id), refetchInterval: useLiveInterval() });
  return (
    <QueryView query={query} loading={<Loading heights={[20, 34, 34, 34]} />}>
      {({ files }) =>
        files.length === 0 ? (
          <Empty title={WORDS.none}>
            <span>{WORDS.noneText}</span>
          </Empty>
        ) : (
          <Files id={id} byLink={byLink} files={files} />
        )
      }
    </QueryView>
  );
}

function Files({ files, ...props }: ResultsProps & { files: readonly ResultFileShape[] }) {
  const all = files.reduce((sum, file) => sum + file.bytes, 0);
  return (
    <>
      <p className={styles.words}>{WORDS.files(files.length, bytes(all))}</p>
      <table className={tables["table"]}>
        <thead>
          <tr>
            <th scope="col">{WORDS.file}</th>
            <th scope="col" className={tables["number"]}>
              {WORDS.size}
            </th>
          </tr>
        </thead>
        <tbody>
          {files.map((file) => (
            <tr key={file.path}>
              <th scope="row">
                <ResultFile {...props} path={file.path} />
              </th>
              <td className={`${tables["number"]} ${styles.size}`}>{bytes(file.bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
