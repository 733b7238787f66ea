import { useState } from "react";
import type { Right, RunView } from "@/api/generated";
import { PromoteDialog } from "@/shared/dialogs/asked";
import { Act } from "@/shared/ui/act";
import { WORDS } from "./words";

/** Whether there is a model to serve: only a run that succeeded has one. */
export function hasModel(run: RunView): boolean {
  return run.status === "succeeded" && Boolean(run.result);
}

/** Plans to serve a run's model. `reasons` names the `Reasons` that say why not. */
export function PromoteAction({
  run,
  right,
  reasons,
}: {
  run: RunView;
  right: Right;
  reasons: string;
}) {
  const [asked, setAsked] = useState({ ever: false, isOpen: false });
  const onClick = () => setAsked({ ever: true, isOpen: true });
  return (
    <>
      <Act reasons={reasons} right={right} busy={false} onClick={onClick}>
        {WORDS.promote}
      </Act>
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
