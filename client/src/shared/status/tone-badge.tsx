import { Badge, type BadgeProps } from "@fluentui/react-components";
import type { StatusWords, Tone } from "./status";
import styles from "./status.module.css";

const COLOR: Record<Tone, BadgeProps["color"]> = {
  neutral: "subtle",
  waiting: "informative",
  active: "brand",
  good: "success",
  bad: "danger",
  attention: "warning",
};

/** How a run or a promotion stands, in a word and a colour. */
export function ToneBadge({ label, tone }: Pick<StatusWords, "label" | "tone">) {
  return (
    <Badge appearance="tint" size="large" color={COLOR[tone]} className={styles.badge}>
      {label}
    </Badge>
  );
}
