/** The dialogs, loaded when one is asked for: Fluent's Dialog is 24 KB that most never need. */
import { type ComponentProps, lazy, Suspense } from "react";

const Reason = lazy(async () => ({ default: (await import("./dialogs")).ReasonDialog }));
const Promote = lazy(async () => ({ default: (await import("./dialogs")).PromoteDialog }));

export function ReasonDialog(props: ComponentProps<typeof Reason>) {
  return (
    <Suspense fallback={null}>
      <Reason {...props} />
    </Suspense>
  );
}

export function PromoteDialog(props: ComponentProps<typeof Promote>) {
  return (
    <Suspense fallback={null}>
      <Promote {...props} />
    </Suspense>
  );
}
