import type { RunStatus } from "@/api/generated";
import { STATUS } from "./status";
import { ToneBadge } from "./tone-badge";

export function StatusBadge({ status }: { status: RunStatus }) {
  return <ToneBadge {...STATUS[status]} />;
}
