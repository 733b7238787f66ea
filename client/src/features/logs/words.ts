export const WORDS = {
  none: "No line yet",
  noneText: "Lines appear here as soon as the pipeline or the trainer writes one.",
  label: (total: string) => `Log, ${total} lines`,
  total: (total: string) => `${total} lines`,
  follow: "Follow the end",
  search: "Search",
  next: "Next",
  previous: "Previous",
  hits: (total: number) => (total === 1 ? "1 line" : `${total} lines`),
  noHits: "No line has it",
  goTo: "Go to line",
  download: "Download",
};
