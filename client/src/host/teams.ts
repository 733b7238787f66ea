/** Teams' frame; loaded only there, as its library is 19 KB that a browser tab never needs. */
import { app, authentication, pages } from "@microsoft/teams-js";
import { type Host, type ThemeName, themeNamed } from "./host";

/** What of Teams' library is used; tests bring their own. */
export type TeamsLibrary = {
  app: Pick<
    typeof app,
    "initialize" | "getContext" | "registerOnThemeChangeHandler" | "notifySuccess"
  >;
  authentication: Pick<typeof authentication, "getAuthToken">;
  config: Pick<typeof pages.config, "registerOnSaveHandler" | "setConfig" | "setValidityState">;
};

export async function teamsHost(
  teams: TeamsLibrary = { app, authentication, config: pages.config },
): Promise<Host> {
  await teams.app.initialize();
  const context = await teams.app.getContext();
  let theme: ThemeName | null = themeNamed(context.app.theme);
  const takers = new Set<() => void>();
  teams.app.registerOnThemeChangeHandler((name) => {
    theme = themeNamed(name);
    for (const take of takers) take();
  });
  teams.app.notifySuccess();
  return {
    kind: "teams",
    theme: () => theme,
    onTheme: (take) => {
      takers.add(take);
      return () => takers.delete(take);
    },
    identity: async () => ({ Authorization: `Bearer ${await token(teams)}` }),
    refused: async () => true, // the token may have ended on its way; Teams has a fresh one
    signIn: () => location.reload(),
    signOut: null,
    configureTab: () => configureTab(teams),
  };
}

/** Teams keeps the token and renews it; third-party cookies fail inside it. */
async function token({ authentication }: TeamsLibrary): Promise<string> {
  try {
    return await authentication.getAuthToken();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Teams does not sign you in here (${why}). Open the page in a browser, and tell an admin.`,
    );
  }
}

/** https://learn.microsoft.com/microsoftteams/platform/tabs/how-to/create-tab-pages/configuration-page */
function configureTab({ config }: TeamsLibrary): void {
  config.registerOnSaveHandler((event) => {
    const url = `${location.origin}/runs`;
    const tab = { entityId: "runs", contentUrl: url, websiteUrl: url };
    config.setConfig({ ...tab, suggestedDisplayName: "Runs" }).then(
      () => event.notifySuccess(),
      (error: unknown) => event.notifyFailure(String(error)),
    );
  });
  config.setValidityState(true);
}
