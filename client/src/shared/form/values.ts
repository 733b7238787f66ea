/** Between a spec's values and what stands in inputs, which is always text. */

export type Typed = Record<string, string>;

/** The value at a dotted path as an input shows it; "" for absent. */
export function typedAt(spec: object, place: string): string {
  const value = place
    .split(".")
    .reduce<unknown>((at, key) => (isObject(at) ? Reflect.get(at, key) : undefined), spec);
  return typedFrom(value);
}

export function typedFrom(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(lineFrom).join("\n");
  return String(value);
}

/** A source of `data.mix` as people type it, and as the server reads it: `<uri> <weight>`. */
function lineFrom(item: unknown): string {
  if (!isObject(item)) return String(item);
  const format = Reflect.get(item, "format");
  const words = [Reflect.get(item, "uri"), Reflect.get(item, "weight"), format];
  return words.filter((word) => word !== undefined && word !== "auto").join(" ");
}

/** What the server is sent: only what differs from the start. An emptied input means null. */
export function changesOf(start: Typed, now: Typed, lists: ReadonlySet<string>): Changes {
  const changed = Object.entries(now).filter(([key, value]) => value !== (start[key] ?? ""));
  return Object.fromEntries(changed.map(([key, value]) => [key, sent(value, lists.has(key))]));
}

export type Changes = Record<string, string | string[] | null>;

function sent(value: string, isList: boolean): string | string[] | null {
  if (isList) return value.split("\n").filter((line) => line.trim() !== "");
  return value.trim() === "" ? null : value;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
