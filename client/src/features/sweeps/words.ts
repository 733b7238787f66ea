export const WORDS = {
  title: "Sweeps",
  start: "New sweep",
  noneTitle: "No sweep yet",
  none: "A sweep tries several values of a setting under one budget. Start one here, or write `sweep tiny-sft lr=1e-3,2e-3` to the bot in chat.",
  runs: (count: number) => (count === 1 ? "1 run" : `${count} runs`),
  varies: (keys: string) => `varies ${keys}`,
  best: "Best run",
  columns: { sweep: "Sweep", status: "Status", who: "Who", when: "When", best: "Best" },
};
