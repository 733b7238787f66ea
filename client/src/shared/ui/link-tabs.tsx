import { createLink, type LinkComponent } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, ReactNode, Ref } from "react";
import styles from "./links.module.css";

type AnchorProps = AnchorHTMLAttributes<HTMLAnchorElement> & { ref?: Ref<HTMLAnchorElement> };

function Tab(props: AnchorProps) {
  return <a {...props} className={styles.tab} />;
}

/** Tabs have addresses of their own, so they are links in a `nav`, not ARIA tabs. */
export const LinkTab: LinkComponent<typeof Tab> = createLink(Tab);

export function LinkTabs({ label, children }: { label: string; children: ReactNode }) {
  return (
    <nav className={styles.tabs} aria-label={label}>
      {children}
    </nav>
  );
}
