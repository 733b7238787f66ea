import { useNavigate } from "@tanstack/react-router";
import { useId, useState } from "react";
import { useRerun, useRunAction } from "@/api/actions";
import type { Right, RunDetail } from "@/api/generated";
import { ReasonDialog } from "@/shared/dialogs/asked";
import { hasModel, PromoteAction } from "@/shared/promotion/promote-action";
import { STATUS } from "@/shared/status/status";
import { Act, ActionFault, Reasons } from "@/shared/ui/act";
import { SecondaryLink } from "@/shared/ui/action-link";
import { useNonce } from "@/shared/ui/use-nonce";
import styles from "./run.module.css";
import { WORDS } from "./words";

/** What was asked; null until something was: most visitors never load the dialog. */
type Asking = { kind: "cancel" | "reject"; isOpen: boolean } | null;

/** What one may do now; what one may not is shown with its reason, never hidden. */
export function Actions({ detail }: { detail: RunDetail }) {
  const [asking, setAsking] = useState<Asking>(null);
  const close = () => setAsking(asking && { ...asking, isOpen: false });
  const act = useRunAction(detail.run.id);
  const rerun = useRunAgain(detail.run.id);
  const busy = act.isPending || rerun.isPending;
  return (
    <div className={styles.actions}>
      <Buttons
        detail={detail}
        busy={busy}
        onAsk={(kind) => setAsking({ kind, isOpen: true })}
        onApprove={() => act.mutate({ kind: "approve" })}
        onRerun={rerun.start}
      />
      <ActionFault error={asking?.isOpen ? null : (act.error ?? rerun.error)} />
      {asking && (
        <ReasonDialog
          isOpen={asking.isOpen}
          words={WORDS.dialogs[asking.kind]}
          busy={busy}
          error={act.error}
          onClose={close}
          onConfirm={(reason) => act.mutate({ kind: asking.kind, reason }, { onSuccess: close })}
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

type ButtonsProps = {
  detail: RunDetail;
  busy: boolean;
  onAsk: (kind: "cancel" | "reject") => void;
  onApprove: () => void;
  onRerun: () => void;
};

type Choice = { words: string; right: Right; onClick: () => void; primary?: boolean };

function Buttons({ detail, busy, onAsk, onApprove, onRerun }: ButtonsProps) {
  const { run, rights } = detail;
  const { actions } = WORDS;
  const reasons = useId();
  const choices: Choice[] = [];
  if (run.status === "awaiting_approval") {
    choices.push(
      { words: actions.approve, right: rights.approve, onClick: onApprove, primary: true },
      { words: actions.reject, right: rights.reject, onClick: () => onAsk("reject") },
    );
  }
  if (STATUS[run.status].isFinal) {
    choices.push({ words: actions.rerun, right: rights.rerun, onClick: onRerun, primary: true });
  } else {
    const words = run.is_stopping ? actions.stopping : actions.cancel;
    choices.push({ words, right: rights.cancel, onClick: () => onAsk("cancel") });
  }
  const shown = choices.map(({ right }) => right);
  if (hasModel(run)) shown.push(rights.promote);
  return (
    <>
      <div className={styles.buttons}>
        {choices.map(({ words, ...choice }) => (
          <Act key={words} reasons={reasons} busy={busy} {...choice}>
            {words}
          </Act>
        ))}
        {hasModel(run) && <PromoteAction run={run} right={rights.promote} reasons={reasons} />}
        <SecondaryLink to="/runs/new" search={{ from: run.id }}>
          {actions.change}
        </SecondaryLink>
      </div>
      <Reasons id={reasons} rights={shown} />
    </>
  );
}
