/** The event stream over fetch, for hosts whose identity is a header: EventSource sends none. */
import { streamEvents } from "../generated";
import type { Stream, StreamHandlers } from "./hub";

export function openFetched(topics: string[], handlers: StreamHandlers): Stream {
  const leaving = new AbortController();
  listen(topics, handlers, leaving.signal)
    .catch(() => {})
    .finally(() => {
      if (!leaving.signal.aborted) handlers.onLost();
    });
  return { close: () => leaving.abort() };
}

/** The hub tries again by itself, so each stream is asked for once. */
async function listen(topics: string[], handlers: StreamHandlers, signal: AbortSignal) {
  const asked = { query: { topics }, signal, sseMaxRetryAttempts: 1 };
  const { stream } = await streamEvents(asked);
  let isOpen = false;
  for await (const hint of stream) {
    if (!isOpen) handlers.onOpen();
    isOpen = true;
    handlers.onHint(hint.topic);
  }
}
