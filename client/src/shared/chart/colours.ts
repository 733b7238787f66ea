/** The theme's colours, read where they are set, as a canvas knows no CSS variables. */
import type { ChartColours } from "./chart-options";

export const LINE_TOKENS = [
  "--colorCompoundBrandStroke",
  "--colorPaletteMarigoldForeground2",
  "--colorPaletteBerryForeground1",
];

export function readColours(element: Element): ChartColours {
  const style = getComputedStyle(element);
  const read = (token: string) => style.getPropertyValue(token).trim() || "#888888";
  const lines = LINE_TOKENS.map(read);
  return {
    text: read("--colorNeutralForeground2"),
    grid: `color-mix(in srgb, ${read("--colorNeutralStroke2")} 60%, transparent)`,
    lines,
    bands: lines.map((colour) => `color-mix(in srgb, ${colour} 22%, transparent)`),
  };
}
