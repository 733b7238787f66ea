import { Button, Field, Input, Select } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { Me, PersonShape } from "@/api/generated";
import { meQuery, recipesQuery } from "@/api/queries";
import { isStatus, STATUS, STATUSES } from "@/shared/status/status";
import { isFiltered, type RunFilter } from "./asked";
import styles from "./run-list.module.css";
import { WORDS } from "./words";

type FiltersProps = { filter: RunFilter; onFilter: (filter: RunFilter) => void };
type Option = { value: string; label: string };

export function Filters({ filter, onFilter }: FiltersProps) {
  const { data: me } = useQuery(meQuery());
  const { data: recipes } = useQuery(recipesQuery());
  const change = (part: RunFilter) => onFilter({ ...filter, ...part, cursor: undefined });
  const people = peopleOf(me).map(({ id, name }) => ({ value: id, label: name }));
  const names = recipes?.recipes.map(({ name }) => ({ value: name, label: name })) ?? [];
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers of 2022 and jsdom do not know <search>
    <form
      role="search"
      className={styles.filters}
      aria-label={WORDS.filters}
      onSubmit={(event) => event.preventDefault()}
    >
      <Field label={WORDS.text} size="small">
        <Input
          type="search"
          placeholder={WORDS.textHint}
          value={filter.q ?? ""}
          onChange={(_, { value }) => change({ q: value })}
        />
      </Field>
      <Choice
        label={WORDS.status}
        any={WORDS.anyStatus}
        value={filter.status}
        options={STATUS_OPTIONS}
        onChoose={(value) =>
          change({ status: value === "active" || isStatus(value) ? value : undefined })
        }
      />
      <Choice
        label={WORDS.person}
        any={WORDS.anyone}
        value={filter.person}
        options={people}
        onChoose={(person) => change({ person })}
      />
      <Choice
        label={WORDS.recipe}
        any={WORDS.anyRecipe}
        value={filter.recipe}
        options={names}
        onChoose={(recipe) => change({ recipe })}
      />
      {isFiltered(filter) && (
        <Button appearance="subtle" onClick={() => onFilter({})}>
          {WORDS.clear}
        </Button>
      )}
    </form>
  );
}

/** Whom to filter by: everybody where the profile tells, else oneself. */
function peopleOf(me: Me | undefined): PersonShape[] {
  if (me === undefined) return [];
  return me.people.length > 0 || me.person === null ? me.people : [me.person];
}

const STATUS_OPTIONS: Option[] = [
  { value: "active", label: WORDS.active },
  ...STATUSES.map((value) => ({ value, label: STATUS[value].label })),
];

type ChoiceProps = {
  label: string;
  any: string;
  value: string | undefined;
  options: Option[];
  onChoose: (value: string) => void;
};

/** A choice of one or any; a value from the address that is no option yet is kept. */
function Choice({ label, any, value = "", options, onChoose }: ChoiceProps) {
  const isKnown = value === "" || options.some((option) => option.value === value);
  return (
    <Field label={label} size="small">
      <Select value={value} onChange={(_, chosen) => onChoose(chosen.value)}>
        <option value="">{any}</option>
        {!isKnown && <option value={value}>{value}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </Select>
    </Field>
  );
}
