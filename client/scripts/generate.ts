/**
 * Write openapi.json from the bot's own code and the typed API client from openapi.json.
 * With --check, write nothing and fail when either is not what the code says.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createClient } from "@hey-api/openapi-ts";

const CLIENT = dirname(import.meta.dirname);
const ROOT = dirname(CLIENT);
const DOCUMENT = join(CLIENT, "openapi.json");
const GENERATED = join(CLIENT, "src/api/generated");

function documentOfTheBot(): string {
  const ours = join(ROOT, ".venv/bin/python");
  const python = existsSync(ours) ? ours : "python";
  return execFileSync(python, ["-m", "bot", "openapi"], { cwd: ROOT, encoding: "utf8" });
}

async function generateInto(path: string): Promise<void> {
  await createClient({
    input: DOCUMENT,
    output: { path, postProcess: [] },
    plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
    logs: { level: "silent" },
  });
}

function contents(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    files
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .map((path) => [path.slice(folder.length), readFileSync(path, "utf8")]),
  );
}

async function check(): Promise<string[]> {
  const drift: string[] = [];
  if (documentOfTheBot() !== readFileSync(DOCUMENT, "utf8")) drift.push("client/openapi.json");
  const folder = mkdtempSync(join(tmpdir(), "krsp-api-"));
  try {
    await generateInto(folder);
    const [now, then] = [contents(folder), contents(GENERATED)];
    const names = new Set([...now.keys(), ...then.keys()]);
    const changed = [...names].filter((name) => now.get(name) !== then.get(name));
    drift.push(...changed.map((name) => `client/src/api/generated${name}`));
  } finally {
    rmSync(folder, { recursive: true });
  }
  return drift;
}

if (process.argv.includes("--check")) {
  const drift = await check();
  if (drift.length > 0) {
    console.error(`Not up to date (npm --prefix client run generate):\n  ${drift.join("\n  ")}`);
    process.exit(1);
  }
} else {
  writeFileSync(DOCUMENT, documentOfTheBot());
  await generateInto(GENERATED);
}
