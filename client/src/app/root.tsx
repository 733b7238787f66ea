import { useSearch } from "@tanstack/react-router";
import { Shell } from "./shell";
import { Themed } from "./themed";

export function Root() {
  const { theme } = useSearch({ strict: false });
  return (
    <Themed link={theme}>
      <Shell />
    </Themed>
  );
}
