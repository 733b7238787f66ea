import { ActionLink } from "@/shared/ui/action-link";
import { Prose } from "@/shared/ui/prose";
import { Empty } from "@/shared/ui/states";
import { isFiltered, type RunFilter } from "./asked";
import { WORDS } from "./words";

export function NoRuns({ filter }: { filter: RunFilter }) {
  if (isFiltered(filter)) {
    return <Empty title={WORDS.noMatch} />;
  }
  return (
    <Empty title={WORDS.noneTitle}>
      <span>
        <Prose>{WORDS.none}</Prose>
      </span>
      <ActionLink to="/runs/new">{WORDS.start}</ActionLink>
    </Empty>
  );
}
