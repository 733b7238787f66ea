export const WORDS = {
  all: "Show all settings",
  only: (count: number) =>
    count === 0
      ? ""
      : count === 1
        ? "1 setting differs from the recipe."
        : `${count} settings differ from the recipe.`,
  gone: "The recipe is no longer shipped, so that nothing can be compared with it.",
  hash: "SHA-256 of the spec",
  setting: "Setting",
  value: "Value",
  differs: "differs from the recipe",
  recipe: (value: string) => `recipe: ${value}`,
};
