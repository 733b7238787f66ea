/** Each run state in words. A state that is added in Python fails `tsc` here until it has some. */
import type { RailState, RunStatus } from "@/api/generated";

export type Tone = "neutral" | "waiting" | "active" | "good" | "bad" | "attention";

export type StatusWords = { label: string; tone: Tone; isFinal: boolean };

export const STATUS: Record<RunStatus, StatusWords> = {
  awaiting_approval: { label: "Needs approval", tone: "attention", isFinal: false },
  queued: { label: "Queued", tone: "waiting", isFinal: false },
  preparing: { label: "Preparing", tone: "active", isFinal: false },
  waiting: { label: "Waiting for a machine", tone: "waiting", isFinal: false },
  training: { label: "Training", tone: "active", isFinal: false },
  evaluating: { label: "Evaluating", tone: "active", isFinal: false },
  succeeded: { label: "Succeeded", tone: "good", isFinal: true },
  failed: { label: "Failed", tone: "bad", isFinal: true },
  cancelled: { label: "Cancelled", tone: "neutral", isFinal: true },
  rejected: { label: "Rejected", tone: "neutral", isFinal: true },
  expired: { label: "Expired", tone: "neutral", isFinal: true },
};

export const RAIL_WORDS: Record<RailState, string> = {
  ahead: "to come",
  now: "now",
  done: "done",
  failed: "failed",
  skipped: "skipped",
};

export const STATUSES = Object.keys(STATUS).filter(isStatus);

export function isStatus(text: string): text is RunStatus {
  return Object.hasOwn(STATUS, text);
}

export const ACTIVE: RunStatus[] = STATUSES.filter((status) => !STATUS[status].isFinal);
