import { Button } from "@fluentui/react-components";
import { useState } from "react";
import type { RunView } from "@/api/generated";
import { PromoteDialog } from "@/shared/dialogs/asked";
import { WORDS } from "./words";

/** Plans to serve a run's model; only a run that succeeded has one. */
export function PromoteAction({ run }: { run: RunView }) {
  const [asked, setAsked] = useState({ ever: false, isOpen: false });
  if (run.status !== "succeeded" || !run.result) return null;
  return (
    <>
      <Button onClick={() => setAsked({ ever: true, isOpen: true })}>{WORDS.promote}</Button>
      {asked.ever && (
        <PromoteDialog
          run={run}
          isOpen={asked.isOpen}
          onClose={() => setAsked({ ever: true, isOpen: false })}
        />
      )}
    </>
  );
}
