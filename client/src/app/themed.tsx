import { FluentProvider } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useHost } from "@/host/context";
import type { ThemeName } from "@/host/host";
import styles from "./app.module.css";
import { THEMES, useThemeName } from "./theme";

/** Wear the theme; `link` is what the address asks for. */
export function Themed({ link, children }: { link: ThemeName | undefined; children: ReactNode }) {
  const name = useThemeName(useHost(), link);
  return (
    <FluentProvider theme={THEMES[name]} className={styles.root} data-theme={name}>
      {children}
    </FluentProvider>
  );
}
