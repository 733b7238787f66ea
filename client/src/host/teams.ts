/** Teams' frame; loaded only there, as its library is 19 KB that a browser tab never needs. */
import { app } from "@microsoft/teams-js";
import { type Host, type ThemeName, themeNamed } from "./host";

export async function teamsHost(): Promise<Host> {
  await app.initialize();
  const context = await app.getContext();
  let theme: ThemeName | null = themeNamed(context.app.theme);
  const takers = new Set<() => void>();
  app.registerOnThemeChangeHandler((name) => {
    theme = themeNamed(name);
    for (const take of takers) take();
  });
  app.notifySuccess();
  return {
    kind: "teams",
    theme: () => theme,
    onTheme: (take) => {
      takers.add(take);
      return () => takers.delete(take);
    },
  };
}
