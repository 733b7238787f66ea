import { Link, Outlet } from "@tanstack/react-router";
import { PersonPicker } from "@/features/sign-in/person-picker";
import { SafetyNotice } from "@/features/sign-in/safety-notice";
import styles from "./app.module.css";
import { ConnectionNotice } from "./connection-notice";
import { ThemePicker } from "./theme-picker";
import { useHost } from "./themed";
import { WORDS } from "./words";

/** What surrounds every page: the way round, who acts, and whether the page is live. */
export function Shell() {
  const inTeams = useHost().kind === "teams";
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        {WORDS.skip}
      </a>
      <header className={styles.header}>
        <nav className={styles.nav} aria-label={WORDS.product}>
          <Link to="/runs" className={styles.navLink} activeOptions={{ exact: true }}>
            {WORDS.runs}
          </Link>
          <Link to="/runs/new" className={styles.navLink}>
            {WORDS.start}
          </Link>
        </nav>
        <div className={styles.tools}>
          <PersonPicker />
          {!inTeams && <ThemePicker />}
        </div>
      </header>
      <SafetyNotice />
      <ConnectionNotice />
      <Outlet />
    </div>
  );
}
