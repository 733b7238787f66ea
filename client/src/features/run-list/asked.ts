/** From the address to what the server is asked. */
import type { RunsAsked } from "@/api/asked";
import type { RunStatus } from "@/api/generated";
import { ACTIVE } from "@/shared/status/status";

export type RunFilter = {
  status?: RunStatus | "active";
  person?: string;
  recipe?: string;
  q?: string;
  cursor?: string;
};

export const PAGE_SIZE = 50;

export function askedFor({ status, person, recipe, q, cursor }: RunFilter): RunsAsked {
  const statuses = status === "active" ? ACTIVE : status && [status];
  return {
    limit: PAGE_SIZE,
    ...(statuses && { status: statuses }),
    ...(person && { person }),
    ...(recipe && { recipe }),
    ...(q && { q }),
    ...(cursor && { cursor }),
  };
}

export function isFiltered({ status, person, recipe, q }: RunFilter): boolean {
  return Boolean(status || person || recipe || q);
}
