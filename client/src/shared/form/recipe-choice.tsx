import { Field, Select } from "@fluentui/react-components";
import type { RecipeShape } from "@/api/generated";
import styles from "./form.module.css";
import { WORDS } from "./words";

type RecipeChoiceProps = {
  recipes: RecipeShape[];
  chosen: RecipeShape;
  onChoose: (name: string) => void;
};

export function RecipeChoice({ recipes, chosen, onChoose }: RecipeChoiceProps) {
  return (
    <Field label={WORDS.recipe} hint={chosen.description} className={styles.choice}>
      <Select value={chosen.name} onChange={(_, { value }) => onChoose(value)}>
        {recipes.map(({ name, title }) => (
          <option key={name} value={name}>
            {name} – {title}
          </option>
        ))}
      </Select>
    </Field>
  );
}
