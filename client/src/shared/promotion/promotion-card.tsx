import { Badge, type BadgeProps } from "@fluentui/react-components";
import type { PromotionDetail } from "@/api/generated";
import { moment } from "@/shared/format/format";
import type { Tone } from "@/shared/status/status";
import styles from "./promote.module.css";
import { PromotionActions } from "./promotion-actions";
import { PROMOTION } from "./status";
import { WORDS } from "./words";

const COLOR: Record<Tone, BadgeProps["color"]> = {
  neutral: "subtle",
  waiting: "informative",
  active: "brand",
  good: "success",
  bad: "danger",
  attention: "warning",
};

/** One promotion: how it stands, how to call it, what one may do. */
export function PromotionCard({ detail }: { detail: PromotionDetail }) {
  const { promotion, example } = detail;
  const { label, tone } = PROMOTION[promotion.status];
  return (
    <article className={styles.promotion} aria-label={`${promotion.model} ${promotion.endpoint}`}>
      <div className={styles.head}>
        <span>
          {promotion.model} → {promotion.endpoint}
        </span>
        <Badge appearance="tint" size="large" color={COLOR[tone]}>
          {label}
        </Badge>
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
