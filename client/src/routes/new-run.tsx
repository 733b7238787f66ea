import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { NewRun } from "@/features/new-run/new-run";
import { Plan } from "@/features/new-run/plan";

const route = getRouteApi("/runs/new");

export function NewRunPage() {
  const { recipe, from, like, draft } = route.useSearch();
  const navigate = useNavigate();
  if (draft !== undefined) {
    return (
      <Plan
        draftId={draft}
        onStarted={(id) => void navigate({ to: "/runs/$id", params: { id } })}
        onChange={() => void navigate({ to: "/runs/new", search: { like: draft } })}
      />
    );
  }
  return (
    <NewRun
      recipe={recipe}
      fromRun={from}
      fromDraft={like}
      onRecipe={(name) =>
        void navigate({ to: "/runs/new", search: { recipe: name }, replace: true })
      }
      onPlan={(id) => void navigate({ to: "/runs/new", search: { draft: id } })}
    />
  );
}
