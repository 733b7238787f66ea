import type { PromotionDetail } from "@/api/generated";
import { moment } from "@/shared/format/format";
import { ToneBadge } from "@/shared/status/tone-badge";
import styles from "./promote.module.css";
import { PromotionActions } from "./promotion-actions";
import { PROMOTION } from "./status";
import { WORDS } from "./words";

/** One promotion: how it stands, how to call it, what one may do. */
export function PromotionCard({ detail }: { detail: PromotionDetail }) {
  const { promotion, example } = detail;
  return (
    <article className={styles.promotion} aria-label={`${promotion.model} ${promotion.endpoint}`}>
      <div className={styles.head}>
        <span>
          {promotion.model} → {promotion.endpoint}
        </span>
        <ToneBadge {...PROMOTION[promotion.status]} />
        {promotion.url && promotion.expires_at && (
          <span>{WORDS.endsAt(moment(promotion.expires_at))}</span>
        )}
      </div>
      <p className={styles.sentence}>{promotion.headline}</p>
      {promotion.note && <p className={styles.warning}>{promotion.note}</p>}
      {example.length > 0 && (
        <section aria-label={WORDS.tryIt}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable */}
          <pre className={styles.example} tabIndex={0}>
            {example.join("\n")}
          </pre>
        </section>
      )}
      <PromotionActions detail={detail} />
    </article>
  );
}
