import { useQuery } from "@tanstack/react-query";
import { useLiveInterval, useTopics } from "@/api/events/hooks";
import type { ModelList, PromotionList } from "@/api/generated";
import { modelsQuery, promotionsQuery } from "@/api/promotions";
import { ActionLink } from "@/shared/ui/action-link";
import { Page, Section } from "@/shared/ui/page";
import { Prose } from "@/shared/ui/prose";
import { QueryView } from "@/shared/ui/query-view";
import { Empty, Loading } from "@/shared/ui/states";
import { Served } from "./served";
import { Versions } from "./versions";
import { WORDS } from "./words";

/** What is served where, and every registered version. */
export function Models() {
  const interval = useLiveInterval();
  const models = useQuery({ ...modelsQuery(), refetchInterval: interval });
  const asked = useQuery({ ...promotionsQuery(), refetchInterval: interval });
  useTopics(["promotions"]);
  const loading = <Loading heights={[96, 40, 40, 40]} />;
  return (
    <Page title={WORDS.title}>
      <QueryView query={models} loading={loading}>
        {(known) => (
          <QueryView query={asked} loading={loading}>
            {({ promotions }) => <Known {...known} promotions={promotions} />}
          </QueryView>
        )}
      </QueryView>
    </Page>
  );
}

function Known({ versions, endpoints, promotions }: ModelList & PromotionList) {
  if (versions.length + endpoints.length + promotions.length === 0) {
    return (
      <Empty title={WORDS.noneTitle}>
        <span>
          <Prose>{WORDS.none}</Prose>
        </span>
        <ActionLink to="/runs">{WORDS.toRuns}</ActionLink>
      </Empty>
    );
  }
  return (
    <>
      <Section title={WORDS.served}>
        <Served endpoints={endpoints} promotions={promotions} />
      </Section>
      {versions.length > 0 && (
        <Section title={WORDS.registered}>
          <Versions versions={versions} />
        </Section>
      )}
    </>
  );
}
