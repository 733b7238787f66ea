/** What pages read and do about sweeps. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import {
  approveSweep,
  cancelSweep,
  getSweep,
  listSweeps,
  planSweep,
  rejectSweep,
  type SweepDetail,
  type SweepRequest,
  startSweep,
} from "./generated";
import { keys } from "./keys";
import { unwrap } from "./problem";

export const sweepsQuery = () =>
  queryOptions({
    queryKey: keys.sweepList(),
    queryFn: ({ signal }) => unwrap(listSweeps({ signal })),
  });

export const sweepQuery = (id: string) =>
  queryOptions({
    queryKey: keys.sweep(id),
    queryFn: ({ signal }) => unwrap(getSweep({ path: { sweep_id: id }, signal })),
  });

export function usePlanSweep() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (request: SweepRequest) => unwrap(planSweep({ body: request })),
    onSuccess: (sweep) => client.setQueryData(keys.sweep(sweep.id), sweep),
  });
}

export type SweepReasoned = "cancel" | "reject";
export type SweepAction = { kind: "start" | "approve" } | { kind: SweepReasoned; reason: string };

function perform(id: string, action: SweepAction): Promise<SweepDetail> {
  const path = { sweep_id: id };
  switch (action.kind) {
    case "start":
      return unwrap(startSweep({ path, body: {} }));
    case "approve":
      return unwrap(approveSweep({ path, body: {} }));
    case "cancel":
      return unwrap(cancelSweep({ path, body: { reason: action.reason } }));
    case "reject":
      return unwrap(rejectSweep({ path, body: { reason: action.reason } }));
  }
}

export function useSweepAction(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: SweepAction) => perform(id, action),
    onSuccess: (sweep) => client.setQueryData(keys.sweep(id), sweep),
    onSettled: () => void client.invalidateQueries({ queryKey: keys.sweeps() }),
  });
}
