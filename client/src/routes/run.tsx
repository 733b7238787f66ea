import { getRouteApi, Outlet } from "@tanstack/react-router";
import { RunFrame } from "@/features/run/run-frame";

const route = getRouteApi("/runs/$id");

export function RunPage() {
  const { id } = route.useParams();
  return (
    <RunFrame key={id} id={id}>
      <Outlet />
    </RunFrame>
  );
}
