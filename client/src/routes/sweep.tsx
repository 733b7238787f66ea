import { getRouteApi } from "@tanstack/react-router";
import { Sweep } from "@/features/sweep/sweep";

const route = getRouteApi("/sweeps/$id");

export function SweepPage() {
  const { id } = route.useParams();
  const { sort } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Sweep
      key={id}
      id={id}
      sort={sort ?? "number"}
      onSort={(by) =>
        void navigate({
          search: (kept) => ({ ...(kept.theme && { theme: kept.theme }), sort: by }),
          replace: true,
          resetScroll: false,
        })
      }
    />
  );
}
