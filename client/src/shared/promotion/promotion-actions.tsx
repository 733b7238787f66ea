import { useId, useState } from "react";
import type { PromotionDetail, Right } from "@/api/generated";
import { type Reasoned, usePromotionAction } from "@/api/promotions";
import { ReasonDialog } from "@/shared/dialogs/asked";
import { Act, ActionFault, Reasons } from "@/shared/ui/act";
import styles from "./promote.module.css";
import { PROMOTION } from "./status";
import { WORDS } from "./words";

type Choice = { kind: Reasoned | "approve"; right: Right; primary?: boolean };

/** What one may do now; what one may not is shown with its reason. */
export function PromotionActions({ detail }: { detail: PromotionDetail }) {
  const [asking, setAsking] = useState<{ kind: Reasoned; isOpen: boolean } | null>(null);
  const act = usePromotionAction(detail.promotion.id);
  const reasons = useId();
  const choices = choicesFor(detail);
  if (choices.length === 0) return null;
  const close = () => setAsking(asking && { ...asking, isOpen: false });
  const press = (kind: Choice["kind"]) =>
    kind === "approve" ? act.mutate({ kind }) : setAsking({ kind, isOpen: true });
  return (
    <>
      <div className={styles.buttons}>
        {choices.map(({ kind, ...choice }) => (
          <Act
            key={kind}
            reasons={reasons}
            busy={act.isPending}
            onClick={() => press(kind)}
            {...choice}
          >
            {WORDS.actions[kind]}
          </Act>
        ))}
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
    </>
  );
}

function choicesFor({ promotion, rights }: PromotionDetail): Choice[] {
  if (promotion.status === "awaiting_approval") {
    return [
      { kind: "approve", right: rights.approve, primary: true },
      { kind: "reject", right: rights.reject },
      { kind: "cancel", right: rights.cancel },
    ];
  }
  if (promotion.status === "live") return [{ kind: "undeploy", right: rights.undeploy }];
  const isOver = PROMOTION[promotion.status].isFinal || promotion.status === "undeploying";
  return isOver ? [] : [{ kind: "cancel", right: rights.cancel }];
}
