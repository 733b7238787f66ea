import { Link, Outlet } from "@tanstack/react-router";
import { SafetyNotice } from "@/features/sign-in/safety-notice";
import { SessionNotice } from "@/features/sign-in/session-notice";
import { Who } from "@/features/sign-in/who";
import { useHost } from "@/host/context";
import styles from "./app.module.css";
import { ConnectionNotice } from "./connection-notice";
import { ThemePicker } from "./theme-picker";
import { WORDS } from "./words";

/** What surrounds every page: the way round, who acts, and whether the page is live. */
export function Shell() {
  const host = useHost();
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
          <Link to="/sweeps" className={styles.navLink}>
            {WORDS.sweeps}
          </Link>
          <Link to="/models" className={styles.navLink}>
            {WORDS.models}
          </Link>
        </nav>
        <div className={styles.tools}>
          <Who onSignOut={host.signOut} />
          {host.kind === "browser" && <ThemePicker />}
        </div>
      </header>
      <SafetyNotice />
      <SessionNotice onSignIn={host.signIn} />
      <ConnectionNotice />
      <Outlet />
    </div>
  );
}
