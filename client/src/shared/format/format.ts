/** Numbers, times and money in words, the same everywhere. */

const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const WHOLE = new Intl.NumberFormat("en");
const DAY = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const SECOND = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export const DASH = "–";

export function compact(value: number): string {
  return COMPACT.format(value);
}

export function whole(value: number): string {
  return WHOLE.format(value);
}

/** A measured value in at most five significant digits: `2.3145`, `0.0003`, `1.2e-7`. */
export function measure(value: number | null | undefined): string {
  if (value === null || value === undefined) return DASH;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(2);
  return String(Number(value.toPrecision(5)));
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 1) return seconds <= 0 ? "0 s" : "under 1 s";
  const whole_s = Math.round(seconds);
  if (whole_s < 60) return `${whole_s} s`;
  if (whole_s < 3600) return join(Math.floor(whole_s / 60), "min", whole_s % 60, "s");
  const minutes = Math.round(whole_s / 60);
  if (minutes < 1440) return join(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(minutes / 60);
  return join(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** A duration that is only expected: from ten minutes on without seconds. */
export function roughly(seconds: number): string {
  return duration(seconds < 600 ? seconds : Math.round(seconds / 60) * 60);
}

function join(many: number, unit: string, few: number, smallUnit: string): string {
  return few === 0 ? `${many} ${unit}` : `${many} ${unit} ${few} ${smallUnit}`;
}

export function money(amount: number, currency: string): string {
  const digits = amount !== 0 && Math.abs(amount) < 0.1 ? 4 : 2;
  return `${currency} ${amount.toFixed(digits)}`;
}

export function bytes(count: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const value = count / 1000 ** power;
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${units[power]}`;
}

/** `just now`, `12 min ago`, and from a day on the date. */
export function ago(iso: string, now: number): string {
  const seconds = (now - Date.parse(iso)) / 1000;
  if (seconds < 10) return "just now";
  if (seconds < 86_400) return `${duration(floor(seconds))} ago`;
  return DAY.format(new Date(iso));
}

function floor(seconds: number): number {
  if (seconds < 60) return seconds;
  return seconds < 3600 ? Math.floor(seconds / 60) * 60 : Math.floor(seconds / 3600) * 3600;
}

export function moment(iso: string): string {
  return SECOND.format(new Date(iso));
}

export function percent(part: number, all: number): number {
  return all > 0 ? Math.min(100, Math.max(0, (100 * part) / all)) : 0;
}

/** A setting's value as text; `empty` for null, so that it differs from "" and 0. */
export function setting(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  if (typeof value === "string") return value === "" ? '""' : value;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
