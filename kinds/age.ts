import { parseTime } from "../lib/clock.js";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

/** A duration as kubectl shows it: two units while they matter, such as 45s, 3m20s, 5h12m, 2d3h, 40d. */
export function durationText(durationMs: number): string {
  const seconds = Math.trunc(durationMs / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 2 * MINUTE) return `${seconds}s`;
  const minutes = Math.trunc(seconds / MINUTE);
  if (minutes < 10) return withRest(minutes, "m", seconds % MINUTE, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(seconds / HOUR);
  if (hours < 8) return withRest(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(seconds / DAY);
  if (days < 8) return withRest(days, "d", hours % 24, "h");
  if (days < 730) return `${days}d`;
  const years = Math.trunc(days / 365);
  return days < 8 * 365 ? withRest(years, "y", days % 365, "d") : `${years}y`;
}

/** How long ago a time was, or `<unknown>` for none. */
export function ageText(time: string, nowMs: number): string {
  const atMs = parseTime(time);
  return time === "" || Number.isNaN(atMs) ? "<unknown>" : durationText(nowMs - atMs);
}

function withRest(count: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${count}${unit}` : `${count}${unit}${rest}${restUnit}`;
}
