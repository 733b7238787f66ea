/** Each state of a sweep in words. One that is added in Python fails `tsc` here. */
import type { SweepStatus } from "@/api/generated";
import type { StatusWords } from "./status";

export const SWEEP: Record<SweepStatus, StatusWords> = {
  planned: { label: "Not started", tone: "neutral", isFinal: false },
  awaiting_approval: { label: "Needs approval", tone: "attention", isFinal: false },
  running: { label: "Running", tone: "active", isFinal: false },
  stopping: { label: "Stopping", tone: "waiting", isFinal: false },
  succeeded: { label: "Succeeded", tone: "good", isFinal: true },
  failed: { label: "Failed", tone: "bad", isFinal: true },
  cancelled: { label: "Cancelled", tone: "neutral", isFinal: true },
  rejected: { label: "Rejected", tone: "neutral", isFinal: true },
  expired: { label: "Expired", tone: "neutral", isFinal: true },
};
