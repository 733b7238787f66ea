/** Files of a run, also where a plain link would not say who asks. */
import { downloadLog, downloadResult } from "./generated";
import { unwrap } from "./problem";

export async function saveLog(id: string): Promise<void> {
  save(await unwrap(downloadLog({ path: { run_id: id }, parseAs: "blob" })), `${id}.txt`);
}

export async function saveResult(id: string, file: string): Promise<void> {
  const body = await unwrap(downloadResult({ path: { run_id: id, file }, parseAs: "blob" }));
  save(body, file.slice(file.lastIndexOf("/") + 1));
}

export function logAddress(id: string): string {
  return `${runAddress(id)}/log.txt`;
}

/** Where a result is downloaded from; the slashes of its path stay slashes. */
export function resultAddress(id: string, file: string): string {
  const path = file.split("/").map(encodeURIComponent).join("/");
  return `${runAddress(id)}/results/${path}`;
}

function runAddress(id: string): string {
  return `/api/v1/runs/${encodeURIComponent(id)}`;
}

function save(body: unknown, name: string): void {
  if (!(body instanceof Blob)) throw new Error(`${name} did not come as a file. Try again.`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(body);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
