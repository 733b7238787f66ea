export const WORDS = {
  recipe: "Recipe",
  all: "All settings",
  allHint: "Everything that the recipe decides. What you leave alone stays as the recipe has it.",
  whole: "Some settings do not go together",
};
