export const WORDS = {
  title: "Runs",
  start: "New run",
  filters: "Filter",
  status: "Status",
  anyStatus: "Any status",
  active: "Not ended yet",
  person: "Person",
  anyone: "Anyone",
  recipe: "Recipe",
  anyRecipe: "Any recipe",
  text: "Search",
  textHint: "Name or id",
  clear: "Clear filters",
  noneTitle: "No run yet",
  none: "Start one here, or write `train tiny-sft` to the bot in chat.",
  noMatch: "No run matches these filters",
  count: (shown: number, total: number) =>
    shown === total
      ? `${total} ${total === 1 ? "run" : "runs"}`
      : `${shown} of ${total} runs, newest first`,
  short: (step: string, total: string, loss: string) => `step ${step} of ${total}, loss ${loss}`,
  older: "Older",
  newest: "Newest",
  columns: {
    run: "Run",
    status: "Status",
    who: "Who",
    when: "When",
    progress: "Progress",
    loss: "Loss",
    cost: "Cost",
  },
};
