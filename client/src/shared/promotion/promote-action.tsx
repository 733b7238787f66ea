import { Button } from "@fluentui/react-components";
import { lazy, Suspense, useState } from "react";
import type { RunView } from "@/api/generated";
import { WORDS } from "./words";

const PromoteDialog = lazy(() => import("./promote-dialog"));

/** Plans to serve a run's model; only a run that succeeded has one. */
export function PromoteAction({ run }: { run: RunView }) {
  const [asked, setAsked] = useState({ ever: false, isOpen: false });
  if (run.status !== "succeeded" || !run.result) return null;
  return (
    <>
      <Button onClick={() => setAsked({ ever: true, isOpen: true })}>{WORDS.promote}</Button>
      {asked.ever && (
        <Suspense fallback={null}>
          <PromoteDialog
            run={run}
            isOpen={asked.isOpen}
            onClose={() => setAsked({ ever: true, isOpen: false })}
          />
        </Suspense>
      )}
    </>
  );
}
