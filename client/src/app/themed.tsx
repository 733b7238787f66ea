import { FluentProvider } from "@fluentui/react-components";
import { createContext, type ReactNode, useContext } from "react";
import type { Host, ThemeName } from "@/host/host";
import styles from "./app.module.css";
import { THEMES, useThemeName } from "./theme";

const HostContext = createContext<Host | null>(null);

export function HostProvider({ host, children }: { host: Host; children: ReactNode }) {
  return <HostContext value={host}>{children}</HostContext>;
}

export function useHost(): Host {
  const host = useContext(HostContext);
  if (host === null) throw new Error("HostProvider is missing above this component");
  return host;
}

/** Wear the theme; `link` is what the address asks for. */
export function Themed({ link, children }: { link: ThemeName | undefined; children: ReactNode }) {
  const name = useThemeName(useHost(), link);
  return (
    <FluentProvider theme={THEMES[name]} className={styles.root} data-theme={name}>
      {children}
    </FluentProvider>
  );
}
