import { useQuery } from "@tanstack/react-query";
import { meQuery } from "@/api/queries";
import styles from "./sign-in.module.css";

/** What a person must know of this profile's safety, in plain sight. */
export function SafetyNotice() {
  const { data: me } = useQuery(meQuery());
  if (!me?.notice) return null;
  return (
    <aside className={styles.notice} aria-label="Notice">
      {me.notice}
    </aside>
  );
}
