import { getRouteApi } from "@tanstack/react-router";
import { Results } from "@/features/results/results";
import { useHost } from "@/host/context";

const route = getRouteApi("/runs/$id/results");

export function ResultsPage() {
  return <Results id={route.useParams().id} byLink={useHost().kind === "browser"} />;
}
