import { TabConfig } from "@/features/teams-tab/tab-config";
import { useHost } from "@/host/context";

export function TeamsConfigPage() {
  return <TabConfig configure={useHost().configureTab} />;
}
