import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { EventsProvider } from "@/api/events/hooks";
import type { EventHub } from "@/api/events/hub";
import { HostProvider } from "@/host/context";
import type { Host } from "@/host/host";

type ProvidersProps = {
  client: QueryClient;
  hub: EventHub | null;
  host: Host;
  children: ReactNode;
};

export function Providers({ client, hub, host, children }: ProvidersProps) {
  return (
    <QueryClientProvider client={client}>
      <EventsProvider hub={hub}>
        <HostProvider host={host}>{children}</HostProvider>
      </EventsProvider>
    </QueryClientProvider>
  );
}
