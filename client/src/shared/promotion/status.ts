/** Each state of a promotion in words. One that is added in Python fails `tsc` here. */
import type { PromotionStatus } from "@/api/generated";
import type { StatusWords } from "@/shared/status/status";

export const PROMOTION: Record<PromotionStatus, StatusWords> = {
  awaiting_approval: { label: "Needs approval", tone: "attention", isFinal: false },
  queued: { label: "Queued", tone: "waiting", isFinal: false },
  registering: { label: "Registering", tone: "active", isFinal: false },
  deploying: { label: "Deploying", tone: "active", isFinal: false },
  testing: { label: "Testing", tone: "active", isFinal: false },
  live: { label: "Live", tone: "good", isFinal: false },
  undeploying: { label: "Undeploying", tone: "waiting", isFinal: false },
  failed: { label: "Failed", tone: "bad", isFinal: true },
  rolled_back: { label: "Rolled back", tone: "bad", isFinal: true },
  cancelled: { label: "Cancelled", tone: "neutral", isFinal: true },
  rejected: { label: "Rejected", tone: "neutral", isFinal: true },
  expired: { label: "Expired", tone: "neutral", isFinal: true },
  retired: { label: "Undeployed", tone: "neutral", isFinal: true },
};
