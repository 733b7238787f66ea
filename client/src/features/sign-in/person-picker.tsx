import { Select } from "@fluentui/react-components";
import { useId } from "react";
import { useSignIn } from "@/api/actions";
import type { Me } from "@/api/generated";
import styles from "./sign-in.module.css";
import { WORDS } from "./words";

/** Local profile: pick whom to act as. */
export function PersonPicker({ me }: { me: Me }) {
  const id = useId();
  const signIn = useSignIn();
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
