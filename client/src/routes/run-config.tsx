import { getRouteApi } from "@tanstack/react-router";
import { Config } from "@/features/config/config";

const route = getRouteApi("/runs/$id/config");

export function ConfigPage() {
  const { id } = route.useParams();
  const { all = false } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Config
      id={id}
      showAll={all}
      onShowAll={(wanted) =>
        void navigate({
          search: (kept) => ({
            ...(kept.theme && { theme: kept.theme }),
            ...(wanted && { all: true }),
          }),
          replace: true,
          resetScroll: false,
        })
      }
    />
  );
}
