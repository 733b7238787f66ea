/** How long to wait before the stream is tried again. */

const LONGEST_MS = 15_000; // a person who waits for a server looks every quarter minute

/** Return the wait after so many failures in a row (1, 2, ...): 1, 2, 4, 8, 15 s. */
export function backoff(failures: number): number {
  return Math.min(LONGEST_MS, 1000 * 2 ** (failures - 1));
}
