/** Return what an answer of the server says under this name; null where that is no text. */
export function textIn(answer: unknown, name: string): string | null {
  if (typeof answer !== "object" || answer === null) return null;
  const text: unknown = Reflect.get(answer, name);
  return typeof text === "string" ? text : null;
}
