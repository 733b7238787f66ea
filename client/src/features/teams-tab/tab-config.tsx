import { useEffect } from "react";
import { Page } from "@/shared/ui/page";
import { WORDS } from "./words";

type TabConfigProps = { configure: (() => void) | null };

/** What Teams shows while somebody adds our tab to a conversation: there is nothing to choose. */
export function TabConfig({ configure }: TabConfigProps) {
  useEffect(() => configure?.(), [configure]);
  return (
    <Page title={WORDS.title}>
      <p>{configure ? WORDS.inTeams : WORDS.elsewhere}</p>
    </Page>
  );
}
