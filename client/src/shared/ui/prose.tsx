/** A sentence in which what stands between backticks is code, as in the chat. */
export function Prose({ children }: { children: string }) {
  return children.split("`").map((part, place) => {
    const isCode = place % 2 === 1;
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts have no other identity
    return isCode ? <code key={place}>{part}</code> : part;
  });
}
