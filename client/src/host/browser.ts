import type { Host } from "./host";

export const browserHost: Host = {
  kind: "browser",
  theme: () => null,
  onTheme: () => () => {},
};
