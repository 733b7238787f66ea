import { getRouteApi } from "@tanstack/react-router";
import { Overview } from "@/features/run/overview";

const route = getRouteApi("/runs/$id/");

export function OverviewPage() {
  return <Overview id={route.useParams().id} />;
}
