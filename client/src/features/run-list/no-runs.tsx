import { Button } from "@fluentui/react-components";
import { ActionLink } from "@/shared/ui/action-link";
import { Empty } from "@/shared/ui/states";
import { isFiltered, type RunFilter } from "./asked";
import { WORDS } from "./words";

type NoRunsProps = { filter: RunFilter; onFilter: (filter: RunFilter) => void };

export function NoRuns({ filter, onFilter }: NoRunsProps) {
  if (isFiltered(filter)) {
    return (
      <Empty title={WORDS.noMatch}>
        <Button onClick={() => onFilter({})}>{WORDS.clear}</Button>
      </Empty>
    );
  }
  return (
    <Empty title={WORDS.noneTitle}>
      <span>{WORDS.none}</span>
      <ActionLink to="/runs/new">{WORDS.start}</ActionLink>
    </Empty>
  );
}
