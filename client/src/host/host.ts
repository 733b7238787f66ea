/** Where the page runs: a browser tab, or a frame inside Teams. */

export type ThemeName = "light" | "dark" | "contrast";

/** A refusal for want of an identity; `worked` once anything was answered since the page loaded. */
export type Refusal = { code: string; worked: boolean };

export type Host = {
  kind: "browser" | "teams";
  /** The theme that the host asks for; null where the person's own choice counts. */
  theme(): ThemeName | null;
  onTheme(take: () => void): () => void;
  /** Return the headers that say who asks; in a browser a cookie says it. */
  identity(method: string): Promise<Record<string, string>>;
  /** Take in that nobody is signed in; return whether to ask once more. */
  refused(refusal: Refusal): Promise<boolean>;
  /** Leave for the page where people sign in. */
  signIn(): void;
  /** End the session; null where it is not ours to end. */
  signOut: (() => Promise<void>) | null;
  /** Let Teams keep this tab as the person configures it; null outside Teams. */
  configureTab: (() => void) | null;
};

/** Teams' own names are `default`, `dark`, `contrast`; ours and theirs are both understood. */
export function themeNamed(name: unknown): ThemeName | null {
  if (name === "default" || name === "light") return "light";
  return name === "dark" || name === "contrast" ? name : null;
}
