import { useQuery } from "@tanstack/react-query";
import { recipesQuery, runQuery, specSchemaQuery } from "@/api/queries";
import { sweepQuery } from "@/api/sweeps";
import styles from "@/shared/form/form.module.css";
import { RecipeChoice } from "@/shared/form/recipe-choice";
import { Page } from "@/shared/ui/page";
import { Empty, Failed, Loading } from "@/shared/ui/states";
import { type Begin, fromNothing, fromSweep } from "./begin";
import { SweepForm } from "./sweep-form";
import { WORDS } from "./words";

type NewSweepProps = {
  recipe: string | undefined;
  /** Begin with the settings of this run, or of this sweep. */
  fromRun: string | undefined;
  like: string | undefined;
  onRecipe: (name: string) => void;
  onPlan: (sweepId: string) => void;
};

export function NewSweep({ recipe: wanted, fromRun, like, onRecipe, onPlan }: NewSweepProps) {
  const recipes = useQuery(recipesQuery());
  const schema = useQuery(specSchemaQuery());
  const start = useStart(fromRun, like);
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
        <Loading heights={[88, 160, 260, 40]} />
      </Page>
    );
  }
  const all = recipes.data.recipes;
  const recipe = all.find(({ name }) => name === (start.recipe ?? wanted)) ?? all[0];
  return (
    <Page title={WORDS.title}>
      {recipe ? (
        <div className={styles.form}>
          <RecipeChoice recipes={all} chosen={recipe} onChoose={onRecipe} />
          {start.name && <p>{WORDS.from(start.name)}</p>}
          <SweepForm
            key={`${recipe.name} ${start.name}`}
            recipe={recipe}
            schema={schema.data}
            begin={start.begin}
            onPlan={onPlan}
          />
        </div>
      ) : (
        <Empty title={WORDS.none}>{WORDS.noneText}</Empty>
      )}
    </Page>
  );
}

type Start = {
  begin: Begin;
  recipe: string | undefined;
  name: string | undefined;
  isLoading: boolean;
  error: Error | null;
  refetch: () => unknown;
};

/** What to begin with, if the address names a run or a sweep. */
function useStart(fromRun: string | undefined, like: string | undefined): Start {
  const run = useQuery({ ...runQuery(fromRun ?? ""), enabled: fromRun !== undefined });
  const sweep = useQuery({ ...sweepQuery(like ?? ""), enabled: like !== undefined });
  const { isLoading, error, refetch } = like === undefined ? run : sweep;
  return {
    begin: sweep.data ? fromSweep(sweep.data.spec) : fromNothing(run.data?.spec),
    recipe: sweep.data?.recipe ?? run.data?.spec.recipe,
    name: sweep.data?.name ?? run.data?.run.name,
    isLoading,
    error,
    refetch,
  };
}
