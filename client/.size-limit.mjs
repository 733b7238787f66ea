/** What a browser loads before a page is whole: each page's own files and the shell's, gzipped. */
import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync("dist/.vite/manifest.json", "utf8"));

function filesOf(entry, found = new Set()) {
  if (found.has(entry)) return found;
  found.add(entry);
  for (const next of manifest[entry].imports ?? []) filesOf(next, found);
  return found;
}

function page(name, ...routes) {
  const files = new Set(
    ["index.html", ...routes.map((r) => `src/routes/${r}.tsx`)].flatMap((e) => [...filesOf(e)]),
  );
  return {
    name,
    path: [...files].map((file) => `dist/${manifest[file].file}`),
    limit: "220 KB",
    gzip: true,
  };
}

export default [
  page("runs", "runs"),
  page("new run", "new-run"),
  page("run", "run", "run-overview"),
  page("run: metrics", "run", "run-metrics"),
  page("run: logs", "run", "run-logs"),
  page("run: results", "run", "run-results"),
  page("run: config", "run", "run-config"),
  page("run: activity", "run", "run-activity"),
  page("sweeps", "sweeps"),
  page("new sweep", "new-sweep"),
  page("sweep", "sweep"),
  page("models", "models"),
];
