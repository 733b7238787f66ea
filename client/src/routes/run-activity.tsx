import { getRouteApi } from "@tanstack/react-router";
import { ActivityList } from "@/features/activity/activity-list";

const route = getRouteApi("/runs/$id/activity");

export function ActivityPage() {
  return <ActivityList id={route.useParams().id} />;
}
