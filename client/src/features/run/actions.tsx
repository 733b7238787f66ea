import { Button } from "@fluentui/react-components";
import { useNavigate } from "@tanstack/react-router";
import { useId, useState } from "react";
import { useRerun, useRunAction } from "@/api/actions";
import type { Right, RunDetail } from "@/api/generated";
import { STATUS } from "@/shared/status/status";
import { useNonce } from "@/shared/ui/use-nonce";
import { ReasonDialog } from "./reason-dialog";
import styles from "./run.module.css";
import { WORDS } from "./words";

/** What one may do now; what one may not is shown with its reason, never hidden. */
export function Actions({ detail }: { detail: RunDetail }) {
  const { run, rights } = detail;
  const { actions } = WORDS;
  const [asking, setAsking] = useState<"cancel" | "reject" | null>(null);
  const act = useRunAction(run.id);
  const rerun = useRunAgain(run.id);
  const waits = run.status === "awaiting_approval";
  const isFinal = STATUS[run.status].isFinal;
  const busy = act.isPending || rerun.isPending;
  return (
    <div className={styles.actions}>
      <div className={styles.buttons}>
        {waits && (
          <>
            <Act
              right={rights.approve}
              busy={busy}
              primary
              onClick={() => act.mutate({ kind: "approve" })}
            >
              {actions.approve}
            </Act>
            <Act right={rights.reject} busy={busy} onClick={() => setAsking("reject")}>
              {actions.reject}
            </Act>
          </>
        )}
        {!isFinal && (
          <Act
            right={rights.cancel}
            busy={busy || run.is_stopping}
            onClick={() => setAsking("cancel")}
          >
            {run.is_stopping ? actions.stopping : actions.cancel}
          </Act>
        )}
        {isFinal && (
          <Act right={rights.rerun} busy={busy} primary onClick={rerun.start}>
            {actions.rerun}
          </Act>
        )}
      </div>
      <ActionFault error={asking === null ? (act.error ?? rerun.error) : null} />
      {asking && (
        <ReasonDialog
          words={WORDS.dialogs[asking]}
          busy={busy}
          error={act.error}
          onClose={() => setAsking(null)}
          onConfirm={(reason) =>
            act.mutate({ kind: asking, reason }, { onSuccess: () => setAsking(null) })
          }
        />
      )}
    </div>
  );
}

function useRunAgain(id: string) {
  const navigate = useNavigate();
  const nonceFor = useNonce();
  const rerun = useRerun(id);
  const start = () =>
    rerun.mutate(nonceFor(id), {
      onSuccess: (draft) => void navigate({ to: "/runs/new", search: { draft: draft.id } }),
    });
  return { ...rerun, start };
}

function ActionFault({ error }: { error: Error | null }) {
  if (error === null) return null;
  return (
    <p role="alert" className={styles.fault}>
      {error.message}
    </p>
  );
}

type ActProps = {
  right: Right;
  busy: boolean;
  primary?: boolean;
  onClick: () => void;
  children: string;
};

function Act({ right, busy, primary = false, onClick, children }: ActProps) {
  const why = useId();
  return (
    <span className={styles.act}>
      <Button
        appearance={primary && right.allowed ? "primary" : "secondary"}
        disabledFocusable={!right.allowed || busy}
        aria-describedby={right.why ? why : undefined}
        onClick={onClick}
      >
        {children}
      </Button>
      {right.why && (
        <span id={why} className={styles.why}>
          {right.why}
        </span>
      )}
    </span>
  );
}
