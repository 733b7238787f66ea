import { Select } from "@fluentui/react-components";
import { themeNamed } from "@/host/host";
import { storeTheme, useStoredTheme } from "./theme";
import { WORDS } from "./words";

export function ThemePicker() {
  const stored = useStoredTheme();
  return (
    <Select
      size="small"
      aria-label={WORDS.theme}
      value={stored ?? "system"}
      onChange={(_, { value }) => storeTheme(themeNamed(value))}
    >
      {Object.entries(WORDS.themes).map(([name, label]) => (
        <option key={name} value={name}>
          {label}
        </option>
      ))}
    </Select>
  );
}
