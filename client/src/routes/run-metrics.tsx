import { getRouteApi } from "@tanstack/react-router";
import { Metrics } from "@/features/metrics/metrics";

const route = getRouteApi("/runs/$id/metrics");

export function MetricsPage() {
  const { id } = route.useParams();
  const view = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Metrics
      id={id}
      view={view}
      onView={({ first, last, smooth, log }) =>
        void navigate({
          search: (kept) => ({
            ...(kept.theme && { theme: kept.theme }),
            ...(first !== undefined && { first }),
            ...(last !== undefined && { last }),
            ...(smooth && { smooth }),
            ...(log && { log }),
          }),
          resetScroll: false,
        })
      }
    />
  );
}
