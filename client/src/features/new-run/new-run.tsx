import { useQuery } from "@tanstack/react-query";
import type { RecipeShape, RunSpec } from "@/api/generated";
import { draftQuery, recipesQuery, runQuery, specSchemaQuery } from "@/api/queries";
import styles from "@/shared/form/form.module.css";
import { RecipeChoice } from "@/shared/form/recipe-choice";
import { SecondaryLink } from "@/shared/ui/action-link";
import { Page } from "@/shared/ui/page";
import { Empty, Failed, Loading } from "@/shared/ui/states";
import { RunForm } from "./run-form";
import { WORDS } from "./words";

type NewRunProps = {
  recipe: string | undefined;
  /** Begin with the settings of this run, or of this plan. */
  fromRun: string | undefined;
  fromDraft: string | undefined;
  onRecipe: (name: string) => void;
  onPlan: (draftId: string) => void;
};

export function NewRun({ recipe: wanted, fromRun, fromDraft, onRecipe, onPlan }: NewRunProps) {
  const recipes = useQuery(recipesQuery());
  const schema = useQuery(specSchemaQuery());
  const start = useStart(fromRun, fromDraft);
  const error = recipes.error ?? schema.error ?? start.error;
  if (error) {
    const retry = () => [recipes, schema, start].map((query) => query.refetch());
    return (
      <Page title={WORDS.title}>
        <Failed error={error} onRetry={retry} />
      </Page>
    );
  }
  if (!recipes.data || !schema.data || start.isLoading) {
    return (
      <Page title={WORDS.title}>
        <Loading heights={[88, 260, 40]} />
      </Page>
    );
  }
  const all = recipes.data.recipes;
  const recipe = pick(all, start.spec?.recipe ?? wanted);
  return (
    <Page title={WORDS.title} aside={recipe && <ToSweep recipe={recipe.name} run={fromRun} />}>
      {recipe ? (
        <div className={styles.form}>
          <RecipeChoice recipes={all} chosen={recipe} onChoose={onRecipe} />
          {start.name && <p>{WORDS.fromRun(start.name)}</p>}
          <RunForm
            key={`${recipe.name} ${start.name}`}
            recipe={recipe}
            schema={schema.data}
            spec={start.spec ?? recipe.spec}
            onPlan={onPlan}
          />
        </div>
      ) : (
        <Empty title={WORDS.none}>{WORDS.noneText}</Empty>
      )}
    </Page>
  );
}

function ToSweep({ recipe, run }: { recipe: string; run: string | undefined }) {
  return (
    <SecondaryLink to="/sweeps/new" search={{ recipe, ...(run && { from: run }) }}>
      {WORDS.sweep}
    </SecondaryLink>
  );
}

function pick(recipes: RecipeShape[], wanted: string | undefined): RecipeShape | undefined {
  return recipes.find(({ name }) => name === wanted) ?? recipes[0];
}

type Start = {
  spec: RunSpec | undefined;
  name: string | undefined;
  isLoading: boolean;
  error: Error | null;
  refetch: () => unknown;
};

/** The spec to begin with: that of a run or of a plan, if the address names one. */
function useStart(fromRun: string | undefined, fromDraft: string | undefined): Start {
  const run = useQuery({ ...runQuery(fromRun ?? ""), enabled: fromRun !== undefined });
  const draft = useQuery({ ...draftQuery(fromDraft ?? ""), enabled: fromDraft !== undefined });
  const query = fromRun === undefined ? draft : run;
  return {
    spec: query.data?.spec,
    name: run.data?.run.name,
    isLoading: query.isLoading,
    error: query.error,
    refetch: query.refetch,
  };
}
