/** What pages read and do about promotions and models. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import {
  approvePromotion,
  cancelPromotion,
  listModels,
  listPromotions,
  type PromoteRequest,
  type PromotionDetail,
  type PromotionOptions,
  planPromotion,
  promoteRun,
  rejectPromotion,
  undeployPromotion,
} from "./generated";
import { keys } from "./keys";
import { unwrap } from "./problem";

export const modelsQuery = () =>
  queryOptions({
    queryKey: keys.models(),
    queryFn: ({ signal }) => unwrap(listModels({ signal })),
  });

export const promotionsQuery = (run?: string) =>
  queryOptions({
    queryKey: keys.promotionList(run),
    queryFn: ({ signal }) => unwrap(listPromotions({ query: run ? { run } : {}, signal })),
  });

/** What serving would take; nothing is stored by asking, so it is read like anything else. */
export const promotionPlanQuery = (run: string, options: PromotionOptions, nonce: string) =>
  queryOptions({
    queryKey: keys.promotionPlan(run, options, nonce),
    queryFn: ({ signal }) =>
      unwrap(planPromotion({ path: { run_id: run }, body: { options, nonce }, signal })),
    retry: false,
    gcTime: 0, // prices and endpoints change
  });

export function usePromote(run: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (request: PromoteRequest) =>
      unwrap(promoteRun({ path: { run_id: run }, body: request })),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.promotions() });
      void client.invalidateQueries({ queryKey: keys.run(run) });
    },
  });
}

export type PromotionAction = { kind: "approve" } | { kind: Reasoned; reason: string };
export type Reasoned = "cancel" | "undeploy" | "reject";

function perform(id: string, action: PromotionAction): Promise<PromotionDetail> {
  const path = { promotion_id: id };
  switch (action.kind) {
    case "approve":
      return unwrap(approvePromotion({ path, body: {} }));
    case "cancel":
      return unwrap(cancelPromotion({ path, body: { reason: action.reason } }));
    case "undeploy":
      return unwrap(undeployPromotion({ path, body: { reason: action.reason } }));
    case "reject":
      return unwrap(rejectPromotion({ path, body: { reason: action.reason } }));
  }
}

export function usePromotionAction(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: PromotionAction) => perform(id, action),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.promotions() });
      void client.invalidateQueries({ queryKey: keys.models() });
    },
  });
}
