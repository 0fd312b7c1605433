// Numbers in words and digits. Pure. A missing number is a dash, never a zero.

const LOCALE = 'en';
const NONE = '–';

const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });

export type Value = number | null | undefined;

export const isNumber = (value: Value): value is number =>
  typeof value === 'number' && Number.isFinite(value);

export function formatCount(value: Value): string {
  return isNumber(value) ? whole.format(value) : NONE;
}

/** Four digits stay; from ten thousand on "12.3k", "4.6M". */
export function formatShort(value: Value): string {
  if (!isNumber(value)) return NONE;
  const size = Math.abs(value);
  if (size < 9_999.5) return whole.format(value);
  if (size < 99_950) return `${tenths.format(value / 1e3)}k`;
  if (size < 999_500) return `${whole.format(value / 1e3)}k`;
  if (size < 99_950_000) return `${tenths.format(value / 1e6)}M`;
  if (size < 999_500_000) return `${whole.format(value / 1e6)}M`;
  return `${tenths.format(value / 1e9)}B`;
}

export function formatRatio(value: Value): string {
  return isNumber(value) ? tenths.format(value) : NONE;
}

export function formatPercent(value: Value): string {
  return isNumber(value) ? `${whole.format(value)}%` : NONE;
}

/** Share of a whole: "under 1%" is said so, as long as it is not nothing. */
export function formatShare(part: Value, total: Value): string {
  if (!isNumber(part) || !isNumber(total) || total <= 0) return NONE;
  const percent = (part / total) * 100;
  if (part > 0 && percent < 0.95) return '<1%';
  return `${whole.format(percent)}%`;
}

export function formatSeconds(value: Value): string {
  if (!isNumber(value)) return NONE;
  const seconds = Math.max(0, Math.round(value));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600)
    return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`;
  return `${Math.floor(seconds / 3600)}h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')}m`;
}

/** How a number moved; null where there is nothing to compare with. */
export interface Change {
  direction: 'up' | 'down' | 'same';
  text: string;
}

/** Relative, in per cent; for a number that is itself a percentage, in points. */
export function changeOf(now: Value, before: Value, inPoints: boolean): Change | null {
  if (!isNumber(now) || !isNumber(before)) return null;
  if (!inPoints && before === 0) return null;
  const change = inPoints ? now - before : ((now - before) / before) * 100;
  const rounded = Math.round(change);
  if (rounded === 0) return { direction: 'same', text: inPoints ? '0 pts' : '0%' };
  const size = whole.format(Math.abs(rounded));
  return {
    direction: rounded > 0 ? 'up' : 'down',
    text: inPoints ? `${size} ${size === '1' ? 'pt' : 'pts'}` : `${size}%`,
  };
}

/** "1 view", "2 views". */
export function plural(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** How long a site's counts are kept, in a sentence; empty when the server does not say. */
export function keptText(site: { keep_days?: number; keep_months?: number }): string {
  const { keep_days: days, keep_months: months } = site;
  if (days === undefined || months === undefined) return '';
  const byDay = `Counts by day are kept for ${plural(days, 'month', 'months')}`;
  return months > days
    ? `${byDay}, then by month until they are ${plural(months, 'month', 'months')} old.`
    : `${byDay}, then deleted.`;
}
