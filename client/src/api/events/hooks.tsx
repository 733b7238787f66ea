/** Components name the topics they draw; a hint makes their queries fetch again. */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from "react";
import { keys } from "../keys";
import type { ConnectionState, EventHub } from "./hub";

const HubContext = createContext<EventHub | null>(null);

/** Without a hub (tests of one component) topics are wanted in vain and the state is open. */
export function EventsProvider({ hub, children }: { hub: EventHub | null; children: ReactNode }) {
  const client = useQueryClient();
  useEffect(() => hub?.onHint((topic) => invalidate(client, topic)), [hub, client]);
  return <HubContext value={hub}>{children}</HubContext>;
}

export function invalidate(client: QueryClient, topic: string): void {
  for (const queryKey of keysOf(topic)) void client.invalidateQueries({ queryKey });
  // A sweep shows its runs; many of them hint in the same second, and one look serves all.
  if (topic.startsWith("run:")) {
    void client.invalidateQueries({ queryKey: keys.sweeps() }, { cancelRefetch: false });
  }
}

function keysOf(topic: string): readonly (readonly string[])[] {
  if (topic.startsWith("run:")) return [keys.run(topic.slice("run:".length))];
  if (topic === "sweeps") return [keys.sweeps()];
  return topic === "promotions" ? [keys.promotions(), keys.models()] : [keys.runs()];
}

export function useTopics(topics: readonly string[]): void {
  const hub = useContext(HubContext);
  const joined = topics.join(",");
  useEffect(() => hub?.want(joined.split(",").filter(Boolean)), [hub, joined]);
}

const OPEN: ConnectionState = { state: "open", heardAt: 0 };
const never = () => () => {};

export function useConnection(): ConnectionState & { reconnect: () => void } {
  const hub = useContext(HubContext);
  const state = useSyncExternalStore(hub?.onState ?? never, hub?.state ?? (() => OPEN));
  return { ...state, reconnect: () => hub?.reconnect() };
}

const POLL_MS = 10_000;

/** While hints cannot come, live queries look for themselves. */
export function useLiveInterval(): number | false {
  return useConnection().state === "lost" ? POLL_MS : false;
}
