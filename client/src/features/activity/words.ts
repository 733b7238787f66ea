const SOURCES: Record<string, string> = {
  chat: "in chat",
  web: "on this page",
  pipeline: "pipeline",
  job: "job",
  trainer: "trainer",
  bot: "bot",
};

export const WORDS = {
  title: "What happened, oldest first",
  none: "Nothing has happened yet",
  system: "The system",
  sources: SOURCES,
};
