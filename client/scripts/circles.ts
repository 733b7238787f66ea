/** The build fails when its files import each other in a circle: they have no right order then. */
import type { Plugin } from "vite";

export function noCircles(): Plugin {
  return {
    name: "no-circles",
    apply: "build",
    generateBundle(_, bundle) {
      const imports = new Map<string, readonly string[]>();
      for (const file of Object.values(bundle)) {
        if (file.type === "chunk") imports.set(file.fileName, file.imports);
      }
      const circle = circleIn(imports);
      if (circle) this.error(`Files import each other in a circle: ${circle.join(" -> ")}`);
    },
  };
}

/** Return the files of one circle, the first again as the last; null where there is none. */
export function circleIn(imports: ReadonlyMap<string, readonly string[]>): string[] | null {
  const cleared = new Set<string>();
  function walk(file: string, way: readonly string[]): string[] | null {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (cleared.has(file)) return null;
    for (const next of imports.get(file) ?? []) {
      const circle = walk(next, [...way, file]);
      if (circle) return circle;
    }
    cleared.add(file);
    return null;
  }
  for (const file of imports.keys()) {
    const circle = walk(file, []);
    if (circle) return circle;
  }
  return null;
}
