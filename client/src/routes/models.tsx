import { Models } from "@/features/models/models";

export function ModelsPage() {
  return <Models />;
}
