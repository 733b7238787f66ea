import type { ReactNode } from "react";
import styles from "./ui.module.css";

/** A page: its heading (also the window's title), what stands beside it, and the rest. */
export function Page({ title, aside, children }: PageProps) {
  return (
    <main className={styles.page} id="main" tabIndex={-1}>
      <title>{title}</title>
      <div className={styles.pageHead}>
        <h1 className={styles.h1}>{title}</h1>
        {aside}
      </div>
      {children}
    </main>
  );
}

type PageProps = { title: string; aside?: ReactNode; children: ReactNode };

export function Section({ title, aside, children }: PageProps) {
  return (
    <section className={styles.section} aria-label={title}>
      <div className={styles.sectionHead}>
        <h2 className={styles.h2}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}
