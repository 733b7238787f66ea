export const WORDS = {
  product: "Training runs",
  skip: "Skip to the content",
  runs: "Runs",
  start: "New run",
  models: "Models",
  theme: "Theme",
  themes: { system: "System", light: "Light", dark: "Dark", contrast: "Contrast" },
  lost: (age: string) => `Connection lost. You see the last known state, ${age} old.`,
  reconnect: "Reconnect",
  notFoundTitle: "There is no such page",
  notFound: "The address leads nowhere. Perhaps the link was cut off.",
  toRuns: "To all runs",
};
