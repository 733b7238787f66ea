import { getRouteApi, useLocation } from "@tanstack/react-router";
import { Logs } from "@/features/logs/logs";
import { useHost } from "@/host/context";

const route = getRouteApi("/runs/$id/logs");

export function LogsPage() {
  const { id } = route.useParams();
  const hash = useLocation({ select: (location) => location.hash });
  const navigate = route.useNavigate();
  return (
    <Logs
      key={id}
      id={id}
      byLink={useHost().kind === "browser"}
      hash={hash}
      onHash={(next) =>
        void navigate({
          search: true,
          hash: next,
          replace: true,
          hashScrollIntoView: false,
          resetScroll: false,
        })
      }
    />
  );
}
