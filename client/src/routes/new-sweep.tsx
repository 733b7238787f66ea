import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { NewSweep } from "@/features/new-sweep/new-sweep";

const route = getRouteApi("/sweeps/new");

export function NewSweepPage() {
  const { recipe, from, like } = route.useSearch();
  const navigate = useNavigate();
  return (
    <NewSweep
      recipe={recipe}
      fromRun={from}
      like={like}
      onRecipe={(name) =>
        void navigate({ to: "/sweeps/new", search: { recipe: name }, replace: true })
      }
      onPlan={(id) => void navigate({ to: "/sweeps/$id", params: { id } })}
    />
  );
}
