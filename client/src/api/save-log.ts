/** The whole log as a file, where a plain link would not say who asks. */
import { downloadLog } from "./generated";
import { unwrap } from "./problem";

export async function saveLog(id: string): Promise<void> {
  const body: unknown = await unwrap(downloadLog({ path: { run_id: id }, parseAs: "blob" }));
  if (!(body instanceof Blob)) throw new Error("The log did not come as a file. Try again.");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(body);
  link.download = `${id}.txt`;
  link.click();
  URL.revokeObjectURL(link.href);
}
