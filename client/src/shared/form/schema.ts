/** The JSON schema of a spec as a flat list of inputs, in the schema's own order. */

export type InputKind = "text" | "number" | "choice" | "flag" | "lines";

export type SchemaField = {
  /** Dotted path in the spec: `optim.lr`. */
  place: string;
  label: string;
  help: string;
  unit: string;
  kind: InputKind;
  choices: string[];
  isOptional: boolean;
};

export type SchemaGroup = { name: string; fields: SchemaField[] };

type Node = { [key: string]: unknown };

/** Return the schema's top-level parts as groups; single settings come first, under "". */
export function groupsOf(schema: unknown): SchemaGroup[] {
  if (!isNode(schema)) return [];
  const groups = new Map<string, SchemaField[]>();
  for (const field of fieldsOf(schema, schema, "", false)) {
    const dot = field.place.indexOf(".");
    const name = dot < 0 ? "" : field.place.slice(0, dot);
    groups.set(name, [...(groups.get(name) ?? []), field]);
  }
  return [...groups].map(([name, fields]) => ({ name, fields }));
}

/** Decided by the recipe, not by a person. */
const FIXED = new Set(["version", "recipe"]);

function fieldsOf(root: Node, node: Node, prefix: string, isOptional: boolean): SchemaField[] {
  const properties = isNode(node["properties"]) ? node["properties"] : {};
  return Object.entries(properties).flatMap(([key, raw]) => {
    if (!isNode(raw) || (prefix === "" && FIXED.has(key))) return [];
    const place = `${prefix}${key}`;
    const { kinds, takesNull } = unfold(root, raw);
    const part = kinds.find((kind) => isNode(kind["properties"]));
    if (part) return fieldsOf(root, part, `${place}.`, isOptional || takesNull);
    return [fieldFrom(place, key, raw, kinds, isOptional || takesNull)];
  });
}

/** Follow `$ref` and `anyOf` down to the kinds of value allowed, null apart. */
function unfold(root: Node, raw: Node): { kinds: Node[]; takesNull: boolean } {
  const node = resolve(root, raw);
  const options = Array.isArray(node["anyOf"]) ? node["anyOf"].filter(isNode) : [node];
  const kinds = options.map((option) => resolve(root, option));
  return {
    kinds: kinds.filter((kind) => kind["type"] !== "null"),
    takesNull: kinds.some((kind) => kind["type"] === "null"),
  };
}

function resolve(root: Node, node: Node): Node {
  const ref = node["$ref"];
  if (typeof ref !== "string") return node;
  const target = ref
    .replace("#/", "")
    .split("/")
    .reduce<unknown>((at, key) => (isNode(at) ? at[key] : undefined), root);
  return isNode(target) ? { ...target, ...node, $ref: undefined } : {};
}

function fieldFrom(
  place: string,
  key: string,
  raw: Node,
  kinds: Node[],
  isOptional: boolean,
): SchemaField {
  const choices = kinds.flatMap(choicesOf);
  return {
    place,
    label: labelOf(place, key, text(raw["title"])),
    help: text(raw["description"]),
    unit: text(raw["unit"]),
    kind: kindOf(kinds, choices),
    choices,
    isOptional,
  };
}

/** The schema's own title, else the key in words; what lies deeper names its parent too. */
function labelOf(place: string, key: string, title: string): string {
  const words = key.replaceAll("_", " ");
  const isMadeUp = title.toLowerCase() === words; // pydantic makes a title of every key
  const label = title === "" || isMadeUp ? capital(words) : title;
  const path = place.split(".");
  return path.length > 2 ? `${capital(path.at(-2) ?? "")}: ${label.toLowerCase()}` : label;
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function kindOf(kinds: Node[], choices: string[]): InputKind {
  if (kinds.some(({ type }) => type === "boolean")) return "flag";
  if (kinds.some(({ type }) => type === "array")) return "lines";
  const isNumber = ({ type }: Node) => type === "integer" || type === "number";
  if (kinds.every(isNumber)) return "number";
  return choices.length > 0 && !kinds.some(isNumber) ? "choice" : "text";
}

function choicesOf(kind: Node): string[] {
  const values = Array.isArray(kind["enum"]) ? kind["enum"] : [kind["const"]];
  return values.filter((value) => typeof value === "string");
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
