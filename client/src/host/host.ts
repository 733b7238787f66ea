/** Where the page runs: a browser tab, or a frame inside Teams. */

export type ThemeName = "light" | "dark" | "contrast";

export type Host = {
  kind: "browser" | "teams";
  /** The theme that the host asks for; null where the person's own choice counts. */
  theme(): ThemeName | null;
  onTheme(take: () => void): () => void;
};

/** Teams' own names are `default`, `dark`, `contrast`; ours and theirs are both understood. */
export function themeNamed(name: unknown): ThemeName | null {
  if (name === "default" || name === "light") return "light";
  return name === "dark" || name === "contrast" ? name : null;
}
