import { useId, useState } from "react";
import type { Right, SweepDetail } from "@/api/generated";
import { type SweepAction, type SweepReasoned, useSweepAction } from "@/api/sweeps";
import { ReasonDialog } from "@/shared/dialogs/asked";
import { SWEEP } from "@/shared/status/sweep-status";
import { Act, ActionFault, Reasons } from "@/shared/ui/act";
import { SecondaryLink } from "@/shared/ui/action-link";
import styles from "./sweep.module.css";
import { WORDS } from "./words";

type Kind = SweepAction["kind"];
type Choice = { kind: Kind; words: string; right: Right; primary?: boolean };

/** What one may do now; what one may not is shown with its reason, never hidden. */
export function Actions({ sweep }: { sweep: SweepDetail }) {
  const [asking, setAsking] = useState<{ kind: SweepReasoned; isOpen: boolean } | null>(null);
  const act = useSweepAction(sweep.id);
  const reasons = useId();
  const choices = choicesFor(sweep);
  const close = () => setAsking(asking && { ...asking, isOpen: false });
  const press = (kind: Kind) =>
    kind === "start" || kind === "approve"
      ? act.mutate({ kind })
      : setAsking({ kind, isOpen: true });
  return (
    <div className={styles.actions}>
      <div className={styles.buttons}>
        {choices.map(({ kind, words, ...choice }) => (
          <Act
            key={kind}
            reasons={reasons}
            busy={act.isPending}
            onClick={() => press(kind)}
            {...choice}
          >
            {words}
          </Act>
        ))}
        <SecondaryLink to="/sweeps/new" search={{ like: sweep.id }}>
          {sweep.status === "planned" ? WORDS.actions.change : WORDS.actions.template}
        </SecondaryLink>
      </div>
      <Reasons id={reasons} rights={choices.map(({ right }) => right)} />
      <ActionFault error={asking?.isOpen ? null : act.error} />
      {asking && (
        <ReasonDialog
          isOpen={asking.isOpen}
          words={WORDS.dialogs[asking.kind]}
          busy={act.isPending}
          error={act.error}
          onClose={close}
          onConfirm={(reason) => act.mutate({ kind: asking.kind, reason }, { onSuccess: close })}
        />
      )}
    </div>
  );
}

function choicesFor({ status, rights, is_stopping }: SweepDetail): Choice[] {
  const { actions } = WORDS;
  if (status === "planned") {
    return [{ kind: "start", words: actions.start, right: rights.start, primary: true }];
  }
  if (SWEEP[status].isFinal) return [];
  const words = is_stopping || status === "stopping" ? actions.stopping : actions.cancel;
  const cancel: Choice = { kind: "cancel", words, right: rights.cancel };
  if (status !== "awaiting_approval") return [cancel];
  return [
    { kind: "approve", words: actions.approve, right: rights.approve, primary: true },
    { kind: "reject", words: actions.reject, right: rights.reject },
    cancel,
  ];
}
