export const WORDS = {
  title: "Runs as a tab",
  inTeams:
    "The tab shows all runs with their curves and logs, to everybody here who has a role. Press Save.",
  elsewhere: "This page is for Teams: add the app to a channel or a group chat as a tab there.",
};
