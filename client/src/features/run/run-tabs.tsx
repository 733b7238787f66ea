import { LinkTab, LinkTabs } from "@/shared/ui/link-tabs";
import { WORDS } from "./words";

export function RunTabs({ id }: { id: string }) {
  const params = { id };
  return (
    <LinkTabs label={WORDS.tabs}>
      <LinkTab to="/runs/$id" params={params} activeOptions={{ exact: true, includeSearch: false }}>
        {WORDS.overview}
      </LinkTab>
      <LinkTab to="/runs/$id/metrics" params={params}>
        {WORDS.metrics}
      </LinkTab>
      <LinkTab to="/runs/$id/logs" params={params}>
        {WORDS.logs}
      </LinkTab>
      <LinkTab to="/runs/$id/results" params={params}>
        {WORDS.results}
      </LinkTab>
      <LinkTab to="/runs/$id/config" params={params}>
        {WORDS.config}
      </LinkTab>
      <LinkTab to="/runs/$id/activity" params={params}>
        {WORDS.activity}
      </LinkTab>
    </LinkTabs>
  );
}
