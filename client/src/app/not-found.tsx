import { ActionLink } from "@/shared/ui/action-link";
import { Page } from "@/shared/ui/page";
import { Empty } from "@/shared/ui/states";
import { WORDS } from "./words";

export function NotFound() {
  return (
    <Page title={WORDS.notFoundTitle}>
      <Empty title={WORDS.notFound}>
        <ActionLink to="/runs">{WORDS.toRuns}</ActionLink>
      </Empty>
    </Page>
  );
}
