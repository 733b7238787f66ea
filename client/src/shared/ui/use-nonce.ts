import { useCallback, useRef } from "react";

/** Return a function that gives one nonce to one content: asking twice for the same makes one. */
export function useNonce(): (content: string) => string {
  const last = useRef<{ content: string; nonce: string } | null>(null);
  return useCallback((content: string) => {
    if (last.current?.content !== content) {
      last.current = { content, nonce: crypto.randomUUID() };
    }
    return last.current.nonce;
  }, []);
}
