import { useQuery } from "@tanstack/react-query";
import { useLiveInterval, useTopics } from "@/api/events/hooks";
import { promotionsQuery } from "@/api/promotions";
import { Section } from "@/shared/ui/page";
import { Failed } from "@/shared/ui/states";
import { PromotionCard } from "./promotion-card";
import { WORDS } from "./words";

/** The promotions of one run; nothing where there are none. */
export function PromotionsPanel({ run }: { run: string }) {
  const query = useQuery({ ...promotionsQuery(run), refetchInterval: useLiveInterval() });
  useTopics(["promotions"]);
  if (query.error && query.data === undefined) {
    return (
      <Section title={WORDS.panel}>
        <Failed error={query.error} onRetry={() => void query.refetch()} />
      </Section>
    );
  }
  const found = query.data?.promotions ?? [];
  if (found.length === 0) return null;
  return (
    <Section title={WORDS.panel}>
      {found.map((detail) => (
        <PromotionCard key={detail.promotion.id} detail={detail} />
      ))}
    </Section>
  );
}
