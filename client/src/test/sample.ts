/** A whole value of any REST shape, read off the API's own document: a new field needs no edit. */
import document from "../../openapi.json";

type Name = keyof typeof document.components.schemas;
type Node = { readonly [key: string]: unknown };

/** What a test cares about; the rest is the shape's defaults, else null, empty, 0 or false. */
export type Part<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: Part<T[K]> }
    : T;

export function sample<T>(shape: Name, part: Part<T>): T {
  return merged(plausible(document.components.schemas[shape]), part) as T;
}

const MOMENT = "2026-11-23T03:00:00Z";

function plausible(node: Node): unknown {
  if ("default" in node) return structuredClone(node["default"]);
  if ("const" in node) return node["const"];
  if (Array.isArray(node["enum"])) return node["enum"][0];
  if (typeof node["$ref"] === "string") return plausible(shapeAt(node["$ref"]));
  if (Array.isArray(node["anyOf"])) return firstOf(node["anyOf"]);
  if (isNode(node["properties"])) {
    const fields = Object.entries(node["properties"]);
    return Object.fromEntries(fields.map(([key, raw]) => [key, isNode(raw) && plausible(raw)]));
  }
  if (node["type"] === "string") return node["format"] === "date-time" ? MOMENT : "";
  return { array: [], object: {}, boolean: false }[String(node["type"])] ?? 0;
}

/** Null where the shape allows it. */
function firstOf(options: readonly unknown[]): unknown {
  const kinds = options.filter(isNode);
  if (kinds.some(({ type }) => type === "null")) return null;
  return kinds[0] && plausible(kinds[0]);
}

function shapeAt(ref: string): Node {
  const name = ref.slice("#/components/schemas/".length);
  const found = Object.entries(document.components.schemas).find(([key]) => key === name);
  if (found === undefined) throw new Error(`openapi.json has no ${ref}`);
  return found[1];
}

function merged(whole: unknown, part: unknown): unknown {
  if (part === undefined) return whole;
  if (!isNode(whole) || !isNode(part)) return part;
  const keys = [...new Set([...Object.keys(whole), ...Object.keys(part)])];
  return Object.fromEntries(keys.map((key) => [key, merged(whole[key], part[key])]));
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
