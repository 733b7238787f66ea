import { useSyncExternalStore } from "react";

const takers = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(take: () => void): () => void {
  takers.add(take);
  now = Date.now();
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of takers) each();
  }, 1000);
  return () => {
    takers.delete(take);
    if (takers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time in ms since 1970, anew each second; all who ask share one timer. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}
