/** What the pages do, as mutation hooks that leave the cache right behind them. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import {
  approveRun,
  cancelRun,
  createDraft,
  type DraftRequest,
  type RunDetail,
  rejectRun,
  rerunRun,
  signIn,
  signOut,
  startDraft,
} from "./generated";
import { keys } from "./keys";
import { unwrap } from "./problem";

export type RunAction =
  | { kind: "cancel"; reason: string }
  | { kind: "approve" }
  | { kind: "reject"; reason: string };

function perform(id: string, action: RunAction): Promise<RunDetail> {
  const path = { run_id: id };
  switch (action.kind) {
    case "cancel":
      return unwrap(cancelRun({ path, body: { reason: action.reason } }));
    case "approve":
      return unwrap(approveRun({ path, body: {} }));
    case "reject":
      return unwrap(rejectRun({ path, body: { reason: action.reason } }));
  }
}

export function useRunAction(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: RunAction) => perform(id, action),
    onSuccess: (detail) => client.setQueryData(keys.runDetail(id), detail),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.run(id) });
      void client.invalidateQueries({ queryKey: keys.runs() });
    },
  });
}

export function useRerun(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (nonce: string) => unwrap(rerunRun({ path: { run_id: id }, body: { nonce } })),
    onSuccess: (draft) => client.setQueryData(keys.draft(draft.id), draft),
  });
}

export function useCreateDraft() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (request: DraftRequest) => unwrap(createDraft({ body: request })),
    onSuccess: (draft) => client.setQueryData(keys.draft(draft.id), draft),
  });
}

export function useStartDraft(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => unwrap(startDraft({ path: { draft_id: id }, body: {} })),
    onSuccess: (detail) => {
      client.setQueryData(keys.runDetail(detail.run.id), detail);
      void client.invalidateQueries({ queryKey: keys.runs() });
      void client.invalidateQueries({ queryKey: keys.draft(id) });
    },
  });
}

/** Act as this person, or as nobody (null). Everything seen before is thrown away. */
export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (personId: string | null): Promise<void> => {
      await (personId === null
        ? unwrap(signOut({ body: {} }))
        : unwrap(signIn({ body: { person_id: personId } })));
    },
    onSuccess: () => client.invalidateQueries(),
  });
}
