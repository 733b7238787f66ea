import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
} from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { PromotionPlanShape, RunView } from "@/api/generated";
import { promotionPlanQuery, usePromote } from "@/api/promotions";
import { Prose } from "@/shared/ui/prose";
import { QueryView } from "@/shared/ui/query-view";
import { Loading } from "@/shared/ui/states";
import { useNonce } from "@/shared/ui/use-nonce";
import { PlanFacts } from "./plan-facts";
import styles from "./promote.module.css";
import { PromoteForm, type Typed } from "./promote-form";
import { WORDS } from "./words";

type PromoteDialogProps = { run: RunView; isOpen: boolean; onClose: () => void };

const NOTHING: Typed = { model: "", machine: "", hours: "" };

/** The plan comes first; Start serves exactly what was shown. */
export function PromoteDialog({ run, isOpen, onClose }: PromoteDialogProps) {
  const [typed, setTyped] = useState<Typed>(NOTHING);
  const [asked, setAsked] = useState<Typed>(NOTHING);
  const nonceFor = useNonce();
  const options = chosen(asked);
  const query = useQuery({
    ...promotionPlanQuery(run.id, options, nonceFor(JSON.stringify(options))),
    enabled: isOpen,
  });
  const promote = usePromote(run.id);
  const shown = same(typed, asked) ? query.data : undefined;
  const start = (plan: PromotionPlanShape) =>
    promote.mutate(
      { id: plan.id, order_sha256: plan.plan.order_sha256, options },
      { onSuccess: onClose },
    );
  return (
    <Dialog open={isOpen} onOpenChange={(_, { open }) => !open && onClose()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{WORDS.title(run.name)}</DialogTitle>
          <DialogContent className={styles.form}>
            <p className={styles.sentence}>{WORDS.text}</p>
            <PromoteForm typed={typed} plan={query.data} onChange={setTyped} />
            <QueryView query={query} loading={<Loading label={WORDS.planning} heights={[96]} />}>
              {(plan) => <PlanFacts plan={plan} />}
            </QueryView>
            {promote.error && (
              <p role="alert" className={styles.warning}>
                <Prose>{promote.error.message}</Prose>
              </p>
            )}
          </DialogContent>
          <DialogActions>
            <Button onClick={onClose}>{WORDS.back}</Button>
            {shown ? (
              <Button
                appearance="primary"
                disabledFocusable={promote.isPending}
                onClick={() => start(shown)}
              >
                {shown.approval_why ? WORDS.ask : WORDS.start}
              </Button>
            ) : (
              <Button appearance="primary" onClick={() => setAsked(typed)}>
                {WORDS.showPlan}
              </Button>
            )}
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

/** What was left empty is the server's to choose. */
function chosen(typed: Typed) {
  return Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== ""));
}

function same(one: Typed, other: Typed): boolean {
  return one.model === other.model && one.machine === other.machine && one.hours === other.hours;
}
