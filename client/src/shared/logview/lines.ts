/** Pure maths of the log view: which rows are in sight, which pages they lie on, what a hash means. */

export const ROW_PX = 18;
const MARGIN_ROWS = 12; // drawn beyond the edges, so that a fast wheel shows no gap

export type Rows = { first: number; last: number };

/** Beyond 2^24 px browsers lose whole pixels: rows would jump, so a longer log scrolls faster. */
const TALLEST_PX = 8_000_000;

/** How high the scrolled content is for so many lines. */
export function contentHeight(total: number): number {
  return Math.min(total * ROW_PX, TALLEST_PX);
}

/** How many pixels of lines lie above what is in sight, for this scroll position. */
export function offsetAt(scrollTop: number, height: number, total: number): number {
  return scrollTop * stretch(height, total);
}

/** The scroll position at which this line (from 1) is a third below the upper edge. */
export function scrollTopFor(line: number, height: number, total: number): number {
  return Math.max(0, (line - 1) * ROW_PX - height / 3) / stretch(height, total);
}

function stretch(height: number, total: number): number {
  const scrolled = contentHeight(total) - height;
  return scrolled > 0 ? (total * ROW_PX - height) / scrolled : 1;
}

/** Rows (from 0, `last` excluded) to draw with so many pixels of lines above. */
export function rowsInSight(offset: number, height: number, total: number): Rows {
  const first = Math.max(0, Math.floor(offset / ROW_PX) - MARGIN_ROWS);
  const last = Math.ceil((offset + height) / ROW_PX) + MARGIN_ROWS;
  return { first: Math.min(first, total), last: Math.min(last, total) };
}

export type Page = { page: number; lines: number };

/** The pages that hold these rows, with how many lines each has by now. */
export function pagesFor({ first, last }: Rows, total: number, pageSize: number): Page[] {
  if (last <= first) return [];
  const pages: Page[] = [];
  for (
    let page = Math.floor(first / pageSize);
    page <= Math.floor((last - 1) / pageSize);
    page += 1
  ) {
    pages.push({ page, lines: Math.min(pageSize, total - page * pageSize) });
  }
  return pages;
}

/** Lines counted from 1, both ends included. */
export type LineRange = { first: number; last: number };

/** Read `L12` or `L12-L14`; null for anything else. */
export function rangeOfHash(hash: string): LineRange | null {
  const found = /^#?L(\d+)(?:-L(\d+))?$/.exec(hash);
  if (found === null) return null;
  const ends = [Number(found[1]), Number(found[2] ?? found[1])].map((line) => Math.max(1, line));
  return { first: Math.min(...ends), last: Math.max(...ends) };
}

export function hashOfRange({ first, last }: LineRange): string {
  return first === last ? `L${first}` : `L${first}-L${last}`;
}

/** The range from the first line chosen before to this one, as a click with Shift means it. */
export function extendTo(range: LineRange | null, line: number): LineRange {
  if (range === null) return { first: line, last: line };
  return { first: Math.min(range.first, line), last: Math.max(range.first, line) };
}

/** The hit after (or before) a line, going round at the end; null without hits. */
export function nextHit(hits: readonly number[], from: number, step: 1 | -1): number | null {
  const ordered = step === 1 ? hits : hits.toReversed();
  const beyond = ordered.find((hit) => (step === 1 ? hit > from : hit < from));
  return beyond ?? ordered[0] ?? null;
}

/** Cut a line at each place where the text occurs, ignoring case; odd parts are the hits. */
export function splitAt(line: string, text: string): string[] {
  if (text === "") return [line];
  const parts: string[] = [];
  const [low, sought] = [line.toLowerCase(), text.toLowerCase()];
  let from = 0;
  for (let at = low.indexOf(sought); at >= 0; at = low.indexOf(sought, from)) {
    parts.push(line.slice(from, at), line.slice(at, at + text.length));
    from = at + text.length;
  }
  return [...parts, line.slice(from)];
}
