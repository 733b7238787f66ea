export const WORDS = {
  none: "No number yet",
  noneText: "Curves appear with the first training step.",
  showing: (shown: string, all: string) => `Showing ${shown} of ${all} points, extremes kept.`,
  showingAll: (all: string) => `Showing every one of ${all} points.`,
  steps: (first: string, last: string) => `Steps ${first} to ${last}.`,
  first: "From step",
  last: "To step",
  smooth: "Smoothing",
  log: "Logarithmic",
  reset: "Whole run",
  dragHint: "Drag across a chart to zoom.",
  marks: "Marks",
  chartLabel: (title: string, words: string) =>
    `${title} by step. ${words} The table below has the numbers.`,
  summary: (
    key: string,
    last: string,
    low: string,
    lowStep: string,
    high: string,
    highStep: string,
  ) =>
    `${key}: last ${last}, lowest ${low} at step ${lowStep}, highest ${high} at step ${highStep}.`,
};
