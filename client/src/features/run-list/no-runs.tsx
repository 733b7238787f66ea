import { ActionLink } from "@/shared/ui/action-link";
import { Empty } from "@/shared/ui/states";
import { isFiltered, type RunFilter } from "./asked";
import { WORDS } from "./words";

export function NoRuns({ filter }: { filter: RunFilter }) {
  if (isFiltered(filter)) {
    return <Empty title={WORDS.noMatch} />;
  }
  return (
    <Empty title={WORDS.noneTitle}>
      <span>{WORDS.none}</span>
      <ActionLink to="/runs/new">{WORDS.start}</ActionLink>
    </Empty>
  );
}
