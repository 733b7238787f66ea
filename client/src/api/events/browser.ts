/** The browser's side of the hub: EventSource, Web Locks, BroadcastChannel. */
import { EventHub, type HubMessage, type HubWorld, type Stream, type StreamHandlers } from "./hub";

const NAME = "krsp-events";

export type OpenStream = HubWorld["openStream"];

export function openEventSource(topics: string[], handlers: StreamHandlers): Stream {
  const source = new EventSource(`/api/v1/events?topics=${encodeURIComponent(topics.join(","))}`);
  source.addEventListener("open", () => handlers.onOpen());
  source.addEventListener("error", () => handlers.onLost());
  source.addEventListener("hint", (event: MessageEvent<string>) => {
    const topic = topicOf(event.data);
    if (topic !== null) handlers.onHint(topic);
  });
  return { close: () => source.close() };
}

function topicOf(data: string): string | null {
  const hint: unknown = JSON.parse(data);
  if (typeof hint !== "object" || hint === null || !("topic" in hint)) return null;
  return typeof hint.topic === "string" ? hint.topic : null;
}

/** Lead when the lock is ours; a browser without locks has every tab lead itself. */
function elect(lead: () => void): { release(): void } {
  if (!("locks" in navigator)) {
    lead();
    return { release: () => {} };
  }
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const waiting = new AbortController();
  navigator.locks
    .request(NAME, { signal: waiting.signal }, () => {
      lead();
      return held;
    })
    .catch((error: unknown) => {
      if (!waiting.signal.aborted) throw error;
    });
  return {
    release: () => {
      waiting.abort();
      release();
    },
  };
}

export function browserHub(openStream: OpenStream): EventHub {
  const channel = new BroadcastChannel(NAME);
  const world: HubWorld = {
    tab: crypto.randomUUID(),
    openStream,
    elect,
    post: (message) => channel.postMessage(message),
    listen: (take) => {
      channel.onmessage = (event: MessageEvent<HubMessage>) => take(event.data);
    },
    now: Date.now,
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
  const hub = new EventHub(world);
  addEventListener("pagehide", () => hub.stop());
  addEventListener("pageshow", () => hub.start());
  addEventListener("online", () => hub.reconnect());
  hub.start();
  return hub;
}
