import { Select } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { useSignIn } from "@/api/actions";
import { meQuery } from "@/api/queries";
import styles from "./sign-in.module.css";
import { WORDS } from "./words";

/** Local profile: pick whom to act as. Elsewhere: who you are. */
export function PersonPicker() {
  const id = useId();
  const { data: me } = useQuery(meQuery());
  const signIn = useSignIn();
  if (!me) return <div className={styles.placeholder} />;
  if (me.people.length === 0) return <span>{me.person?.name}</span>;
  return (
    <span className={styles.picker}>
      <label htmlFor={id} className={styles.label}>
        {WORDS.actAs}
      </label>
      <Select
        id={id}
        size="small"
        disabled={signIn.isPending}
        value={me.person?.id ?? ""}
        onChange={(_, { value }) => signIn.mutate(value === "" ? null : value)}
      >
        <option value="">{WORDS.nobody}</option>
        {me.people.map((person) => (
          <option key={person.id} value={person.id}>
            {WORDS.role(person.name, person.role)}
          </option>
        ))}
      </Select>
    </span>
  );
}
