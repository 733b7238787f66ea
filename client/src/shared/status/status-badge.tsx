import { Badge, type BadgeProps } from "@fluentui/react-components";
import type { RunStatus } from "@/api/generated";
import { STATUS, type Tone } from "./status";
import styles from "./status.module.css";

const COLOR: Record<Tone, BadgeProps["color"]> = {
  neutral: "subtle",
  waiting: "informative",
  active: "brand",
  good: "success",
  bad: "danger",
  attention: "warning",
};

export function StatusBadge({ status }: { status: RunStatus }) {
  const { label, tone } = STATUS[status];
  return (
    <Badge appearance="tint" size="large" color={COLOR[tone]} className={styles.badge}>
      {label}
    </Badge>
  );
}
