import { Button } from "@fluentui/react-components";
import { useMutation, useQuery } from "@tanstack/react-query";
import { meQuery } from "@/api/queries";
import { PersonPicker } from "./person-picker";
import styles from "./sign-in.module.css";
import { WORDS } from "./words";

type WhoProps = { onSignOut: (() => Promise<void>) | null };

/** Who you are; in the local profile also whom else you may be. */
export function Who({ onSignOut }: WhoProps) {
  const { data: me, isError } = useQuery(meQuery());
  if (!me) return isError ? null : <div className={styles.placeholder} />;
  if (me.people.length > 0) return <PersonPicker me={me} />;
  return (
    <span className={styles.picker}>
      <span>{me.person?.name}</span>
      {me.person && onSignOut && <SignOut onSignOut={onSignOut} />}
    </span>
  );
}

function SignOut({ onSignOut }: { onSignOut: () => Promise<void> }) {
  const signOut = useMutation({ mutationFn: onSignOut });
  return (
    <>
      <Button size="small" onClick={() => signOut.mutate()} disabled={signOut.isPending}>
        {WORDS.signOut}
      </Button>
      {signOut.error && <span role="alert">{signOut.error.message}</span>}
    </>
  );
}
