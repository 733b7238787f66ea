/** A spec as dotted path -> value; lists stay whole, as in the server's list of differences. */

export type Setting = { place: string; value: unknown };

export function flatten(spec: object, prefix = ""): Setting[] {
  return Object.entries(spec).flatMap(([key, value]: [string, unknown]) =>
    isObject(value) ? flatten(value, `${prefix}${key}.`) : [{ place: `${prefix}${key}`, value }],
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
