import { getRouteApi } from "@tanstack/react-router";
import { RunList } from "@/features/run-list/run-list";

const route = getRouteApi("/runs");

export function RunsPage() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <RunList
      filter={filter}
      onFilter={({ status, person, recipe, q, cursor }) =>
        void navigate({
          search: (kept) => ({
            ...(kept.theme && { theme: kept.theme }),
            ...(status && { status }),
            ...(person && { person }),
            ...(recipe && { recipe }),
            ...(q && { q }),
            ...(cursor && { cursor }),
          }),
          replace: true,
        })
      }
    />
  );
}
