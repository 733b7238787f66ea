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
  const faint = (colour: string, part: number) =>
    `color-mix(in srgb, ${colour} ${part}%, transparent)`;
  return {
    text: read("--colorNeutralForeground2"),
    grid: faint(read("--colorNeutralStroke2"), 60),
    curves: LINE_TOKENS.map(read).map((line) => ({
      line,
      edge: faint(line, 55), // seen also where a spike is one pixel wide
      band: faint(line, 22),
    })),
  };
}
