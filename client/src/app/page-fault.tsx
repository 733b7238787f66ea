import type { ErrorComponentProps } from "@tanstack/react-router";
import { Page } from "@/shared/ui/page";
import { Failed } from "@/shared/ui/states";

/** A fault in the page itself; the rest of the client still works. */
export function PageFault({ error, reset }: ErrorComponentProps) {
  return (
    <Page title="Something broke">
      <Failed error={error instanceof Error ? error : new Error(String(error))} onRetry={reset} />
    </Page>
  );
}
