import { createLink, type LinkComponent } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, Ref } from "react";
import styles from "./links.module.css";

type AnchorProps = AnchorHTMLAttributes<HTMLAnchorElement> & { ref?: Ref<HTMLAnchorElement> };

function Primary(props: AnchorProps) {
  return <a {...props} className={styles.primary} />;
}

/** A link that looks like the page's main button: it goes somewhere, so it is no button. */
export const ActionLink: LinkComponent<typeof Primary> = createLink(Primary);

function Secondary(props: AnchorProps) {
  return <a {...props} className={styles.secondary} />;
}

export const SecondaryLink: LinkComponent<typeof Secondary> = createLink(Secondary);
