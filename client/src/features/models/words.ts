export const WORDS = {
  title: "Models",
  served: "Served",
  registered: "Registered",
  noneTitle: "No model yet",
  none: "Open a run that succeeded and press Promote, or say `promote` in the chat.",
  nothingServed: "Nothing is served.",
  toRuns: "To all runs",
  columns: { model: "Model", run: "Run", loss: "Eval loss", when: "Registered" },
  stages: { production: "In production", candidate: "Candidate" } as Record<string, string>,
  elsewhere: "Not made by a promotion of ours.",
};
