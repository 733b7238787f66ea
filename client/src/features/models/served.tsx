import type { EndpointSeen, PromotionDetail } from "@/api/generated";
import { PromotionCard } from "@/shared/promotion/promotion-card";
import { PROMOTION } from "@/shared/promotion/status";
import styles from "./models.module.css";
import { WORDS } from "./words";

type ServedProps = {
  endpoints: readonly EndpointSeen[];
  promotions: readonly PromotionDetail[];
};

/** Promotions that serve or are on their way, then endpoints that none of ours made. */
export function Served({ endpoints, promotions }: ServedProps) {
  const open = promotions.filter(({ promotion }) => !PROMOTION[promotion.status].isFinal);
  const ours = new Set(open.map(({ promotion }) => promotion.endpoint));
  const others = endpoints.filter(({ name }) => !ours.has(name));
  if (open.length + others.length === 0) return <p>{WORDS.nothingServed}</p>;
  return (
    <>
      {open.map((detail) => (
        <PromotionCard key={detail.promotion.id} detail={detail} />
      ))}
      {others.map((endpoint) => (
        <p key={endpoint.name} className={styles.other}>
          <strong>{endpoint.name}</strong> {endpoint.url} {WORDS.elsewhere}
        </p>
      ))}
    </>
  );
}
