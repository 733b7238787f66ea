/** Which of the three Teams themes to wear, and from whose word. */
import {
  type Theme,
  teamsDarkTheme,
  teamsHighContrastTheme,
  teamsLightTheme,
} from "@fluentui/react-components";
import { useCallback, useSyncExternalStore } from "react";
import { type Host, type ThemeName, themeNamed } from "@/host/host";

export const THEMES: Record<ThemeName, Theme> = {
  light: teamsLightTheme,
  dark: teamsDarkTheme,
  contrast: teamsHighContrastTheme,
};

const STORED = "krsp-theme";

type Words = {
  link: unknown;
  host: ThemeName | null;
  stored: unknown;
  forcedColors: boolean;
  prefersDark: boolean;
};

/** The first that has a wish decides: the link, Teams, the person's choice, the system. */
export function decideTheme({ link, host, stored, forcedColors, prefersDark }: Words): ThemeName {
  const wished = themeNamed(link) ?? host ?? themeNamed(stored);
  if (wished !== null) return wished;
  if (forcedColors) return "contrast";
  return prefersDark ? "dark" : "light";
}

const takers = new Set<() => void>();
const DARK = "(prefers-color-scheme: dark)";
const FORCED = "(forced-colors: active)";

export function storedTheme(): ThemeName | null {
  return themeNamed(localStorage.getItem(STORED));
}

/** Remember the person's choice; null follows the system. */
export function storeTheme(name: ThemeName | null): void {
  if (name === null) localStorage.removeItem(STORED);
  else localStorage.setItem(STORED, name);
  for (const take of takers) take();
}

export function useStoredTheme(): ThemeName | null {
  return useSyncExternalStore(subscribeStored, storedTheme);
}

function subscribeStored(take: () => void): () => void {
  takers.add(take);
  addEventListener("storage", take);
  return () => {
    takers.delete(take);
    removeEventListener("storage", take);
  };
}

export function useThemeName(host: Host, link: unknown): ThemeName {
  const subscribe = useCallback(
    (take: () => void) => {
      const queries = [matchMedia(DARK), matchMedia(FORCED)];
      const ends = [subscribeStored(take), host.onTheme(take)];
      for (const query of queries) query.addEventListener("change", take);
      return () => {
        for (const query of queries) query.removeEventListener("change", take);
        for (const end of ends) end();
      };
    },
    [host],
  );
  return useSyncExternalStore(subscribe, () =>
    decideTheme({
      link,
      host: host.theme(),
      stored: storedTheme(),
      forcedColors: matchMedia(FORCED).matches,
      prefersDark: matchMedia(DARK).matches,
    }),
  );
}
