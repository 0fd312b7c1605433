// Days, periods and buckets, all in the site's own time zone. Pure: the clock comes in as an
// argument. A day is its ISO spelling ("2026-11-23"), which also sorts; arithmetic goes through UTC,
// where every day has 24 hours.

export type Day = string;

/** Both ends belong to it. */
export interface Range {
  from: Day;
  to: Day;
}

/** What a clock on the site's wall shows. */
export interface WallClock {
  day: Day;
  hour: number;
}

export const PERIODS = [
  'today',
  'yesterday',
  '7d',
  '28d',
  '30d',
  'month',
  '12mo',
  'year',
  'all',
] as const;
export type NamedPeriod = (typeof PERIODS)[number];
export type Period = NamedPeriod | Range;

export const INTERVALS = ['hour', 'day', 'week', 'month'] as const;
export type Interval = (typeof INTERVALS)[number];

export type Comparison = 'previous_period' | 'year_over_year';

/** Whether a bucket is over, still filling, or yet to come. */
export type BucketState = 'past' | 'running' | 'future';

const DAY_MS = 86_400_000;
const LOCALE = 'en-GB';
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
/** The years that the query API takes. */
const YEAR_MIN = 2000;
const YEAR_MAX = 2199;

const utc = (day: Day): Date => new Date(`${day}T00:00:00Z`);
const iso = (date: Date): Day => date.toISOString().slice(0, 10);
const yearOf = (day: Day): number => Number(day.slice(0, 4));
const monthOf = (day: Day): number => Number(day.slice(5, 7));
const dateOf = (day: Day): number => Number(day.slice(8, 10));
const monthName = (day: Day): string => MONTHS[monthOf(day) - 1] ?? '';
const pad = (n: number): string => String(n).padStart(2, '0');

/** Real calendar days only: "2026-02-30" is none. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = utc(text);
  if (Number.isNaN(date.getTime()) || iso(date) !== text) return false;
  return yearOf(text) >= YEAR_MIN && yearOf(text) <= YEAR_MAX;
}

/** An unknown time zone counts as UTC. */
export function wallClock(now: Date, timeZone: string): WallClock {
  let zone = timeZone;
  try {
    new Intl.DateTimeFormat(LOCALE, { timeZone });
  } catch {
    zone = 'UTC';
  }
  const parts = new Intl.DateTimeFormat(LOCALE, {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(now);
  const part = (type: string): string => parts.find((p) => p.type === type)?.value ?? '00';
  return {
    day: `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`,
    hour: Number(part('hour')),
  };
}

export function addDays(day: Day, count: number): Day {
  return iso(new Date(utc(day).getTime() + count * DAY_MS));
}

/** Keeps the date, or takes the month's last one: a month after 31 January is 28 February. */
export function addMonths(day: Day, count: number): Day {
  const first = utc(`${day.slice(0, 7)}-01`);
  first.setUTCMonth(first.getUTCMonth() + count);
  const last = lastOfMonth(iso(first));
  return `${last.slice(0, 8)}${pad(Math.min(dateOf(day), dateOf(last)))}`;
}

export function firstOfMonth(day: Day): Day {
  return `${day.slice(0, 7)}-01`;
}

export function lastOfMonth(day: Day): Day {
  const date = utc(firstOfMonth(day));
  date.setUTCMonth(date.getUTCMonth() + 1);
  return addDays(iso(date), -1);
}

/** Weeks begin on Monday. */
export function mondayOf(day: Day): Day {
  return addDays(day, -((utc(day).getUTCDay() + 6) % 7));
}

export function dayCount(range: Range): number {
  return Math.round((utc(range.to).getTime() - utc(range.from).getTime()) / DAY_MS) + 1;
}

/** The days of a period; null for `all` while its first day, which only the server knows, is not
 *  here. */
export function rangeOf(period: Period, today: Day, firstDay: Day | null = null): Range | null {
  if (typeof period !== 'string') return period;
  switch (period) {
    case 'today':
      return { from: today, to: today };
    case 'yesterday':
      return { from: addDays(today, -1), to: addDays(today, -1) };
    case '7d':
      return { from: addDays(today, -6), to: today };
    case '28d':
      return { from: addDays(today, -27), to: today };
    case '30d':
      return { from: addDays(today, -29), to: today };
    case 'month':
      return { from: firstOfMonth(today), to: today };
    case '12mo':
      return { from: addMonths(firstOfMonth(today), -11), to: today };
    case 'year':
      return { from: `${today.slice(0, 4)}-01-01`, to: today };
    case 'all':
      return firstDay === null ? null : { from: firstDay < today ? firstDay : today, to: today };
  }
}

/** A custom range that is today, yesterday, this month or this year goes by that name. */
export function namePeriod(range: Range, today: Day): Period {
  for (const name of ['today', 'yesterday', 'month', 'year'] as const) {
    const named = rangeOf(name, today);
    if (named && named.from === range.from && named.to === range.to) return name;
  }
  return range;
}

function isWholeMonth(range: Range, today: Day): boolean {
  if (dateOf(range.from) !== 1 || range.from.slice(0, 7) !== range.to.slice(0, 7)) return false;
  return range.to === lastOfMonth(range.from) || range.to === today;
}

function isWholeYear(range: Range, today: Day): boolean {
  if (!range.from.endsWith('-01-01') || yearOf(range.from) !== yearOf(range.to)) return false;
  return range.to.endsWith('-12-31') || range.to === today;
}

/** One period earlier (-1) or later (+1): months stay months, years stay years. Null when nothing of
 *  it has begun, and for `all`. */
export function shiftPeriod(period: Period, steps: -1 | 1, today: Day): Period | null {
  const range = rangeOf(period, today);
  if (!range) return null;
  const asYear =
    period === 'year' || (period !== 'month' && isWholeYear(range, today) && dayCount(range) > 31);
  const asMonth = period === 'month' || (isWholeMonth(range, today) && dayCount(range) > 1);
  let shifted: Range;
  if (asYear) {
    const year = yearOf(range.from) + steps;
    shifted = { from: `${year}-01-01`, to: `${year}-12-31` };
  } else if (asMonth) {
    const from = addMonths(range.from, steps);
    shifted = { from, to: lastOfMonth(from) };
  } else {
    const days = dayCount(range) * steps;
    shifted = { from: addDays(range.from, days), to: addDays(range.to, days) };
  }
  if (shifted.from > today) return null;
  if (shifted.to > today) shifted.to = today;
  return namePeriod(shifted, today);
}

const isLastOfMonth = (day: Day): boolean => day === lastOfMonth(day);

function shiftMonths(range: Range, months: number): Range {
  const to = addMonths(range.to, months);
  return {
    from: addMonths(range.from, months),
    to: isLastOfMonth(range.to) ? lastOfMonth(to) : to,
  };
}

/** What a range is compared with: the same dates a year earlier, or the time just before it. Months
 *  that have begun on the 1st are compared with as many months, up to the same date; anything else
 *  with as many days. */
export function comparedRange(range: Range, comparison: Comparison, today: Day): Range {
  if (comparison === 'year_over_year') return shiftMonths(range, -12);
  const days = dayCount(range);
  const endsMonth = isLastOfMonth(range.to) || range.to === today;
  if (dateOf(range.from) === 1 && endsMonth && days > 1) {
    const months =
      (yearOf(range.to) - yearOf(range.from)) * 12 + monthOf(range.to) - monthOf(range.from) + 1;
    return shiftMonths(range, -months);
  }
  return { from: addDays(range.from, -days), to: addDays(range.to, -days) };
}

/** A range and the one it is compared with, both without the day that still runs; null when they
 *  are nothing else. So that a change in per cent compares like with like. */
export function fullDays(
  range: Range,
  compared: Range,
  today: Day,
): { range: Range; compared: Range } | null {
  if (range.to < today) return { range, compared };
  const cut = addDays(today, -1);
  const to = addDays(compared.to, -1);
  if (to < compared.from) return null;
  return { range: { from: range.from, to: cut }, compared: { from: compared.from, to } };
}

/** The intervals that make a readable chart of a range; the first is the default. */
export function intervalsOf(range: Range): [Interval, ...Interval[]] {
  const days = dayCount(range);
  if (days === 1) return ['hour'];
  if (days < 14) return ['day'];
  if (days <= 45) return ['day', 'week'];
  if (days <= 100) return ['day', 'week', 'month'];
  if (days <= 200) return ['week', 'day', 'month'];
  if (days <= 366) return ['month', 'week', 'day'];
  return ['month', 'week'];
}

/** The labels of every bucket in a range, as the server spells them. */
export function bucketLabels(range: Range, interval: Interval): string[] {
  const labels: string[] = [];
  if (interval === 'hour') {
    for (let hour = 0; hour < 24; hour++) labels.push(`${range.from} ${pad(hour)}:00:00`);
    return labels;
  }
  for (let day = range.from; day <= range.to; day = nextBucket(day, interval)) labels.push(day);
  return labels;
}

function nextBucket(day: Day, interval: Interval): Day {
  if (interval === 'month') return addMonths(firstOfMonth(day), 1);
  if (interval === 'week') return addDays(mondayOf(day), 7);
  return addDays(day, 1);
}

/** Two spellings of one bucket have one key. */
export function bucketKey(label: string, interval: Interval): string {
  switch (interval) {
    case 'hour':
      return `${label.slice(0, 10)} ${label.slice(11, 13)}`;
    case 'day':
      return label.slice(0, 10);
    case 'week':
      return mondayOf(label.slice(0, 10));
    case 'month':
      return label.slice(0, 7);
  }
}

export function bucketState(label: string, interval: Interval, now: WallClock): BucketState {
  const key = bucketKey(label, interval);
  const current = bucketKey(`${now.day} ${pad(now.hour)}`, interval);
  if (key === current) return 'running';
  return key < current ? 'past' : 'future';
}

/** Short, for an axis. `withYear` where the axis spans several years. */
export function tickText(label: string, interval: Interval, withYear: boolean): string {
  const day = label.slice(0, 10);
  if (interval === 'hour') return `${label.slice(11, 13)}:00`;
  if (interval === 'month')
    return withYear ? `${monthName(day)} ’${day.slice(2, 4)}` : monthName(day);
  return `${dateOf(day)} ${monthName(day)}${withYear ? ` ’${day.slice(2, 4)}` : ''}`;
}

/** In full, for a table or a tooltip. */
export function bucketText(label: string, interval: Interval): string {
  const day = label.slice(0, 10);
  if (interval === 'hour') {
    const hour = Number(label.slice(11, 13));
    return `${pad(hour)}:00 – ${pad(hour + 1)}:00`;
  }
  if (interval === 'month') return `${monthName(day)} ${yearOf(day)}`;
  if (interval === 'week') return `Week of ${dateOf(day)} ${monthName(day)} ${yearOf(day)}`;
  return `${WEEKDAYS[utc(day).getUTCDay()] ?? ''} ${dateOf(day)} ${monthName(day)} ${yearOf(day)}`;
}

/** Which buckets get a text on the axis, so that at most `count_max` do, evenly. */
export function tickIndexes(bucketCount: number, interval: Interval, count_max: number): number[] {
  const steps = interval === 'hour' ? [1, 2, 3, 4, 6, 12] : [1, 2, 3, 4, 7, 14, 28, 56, 112];
  const fits = (step: number): boolean => Math.ceil(bucketCount / step) <= Math.max(1, count_max);
  const step = steps.find(fits) ?? Math.ceil(bucketCount / Math.max(1, count_max));
  const indexes: number[] = [];
  for (let at = 0; at < bucketCount; at += step) indexes.push(at);
  return indexes;
}

const sameYear = (a: Day, b: Day): boolean => a.slice(0, 4) === b.slice(0, 4);

/** "23 Nov 2026", "17 – 23 Nov 2026", "November 2026" and so on. */
export function rangeText(range: Range, today: Day): string {
  const { from, to } = range;
  const year = yearOf(to);
  if (from === to)
    return `${WEEKDAYS[utc(to).getUTCDay()] ?? ''} ${dateOf(to)} ${monthName(to)} ${year}`;
  if (isWholeMonth(range, today) && to !== today) return `${monthName(to)} ${year}`;
  if (isWholeYear(range, today) && to !== today) return `${year}`;
  const last = `${dateOf(to)} ${monthName(to)} ${year}`;
  if (from.slice(0, 7) === to.slice(0, 7)) return `${dateOf(from)} – ${last}`;
  const first = `${dateOf(from)} ${monthName(from)}`;
  return sameYear(from, to) ? `${first} – ${last}` : `${first} ${yearOf(from)} – ${last}`;
}

const PERIOD_NAMES: Record<NamedPeriod, string> = {
  today: 'Today',
  yesterday: 'Yesterday',
  '7d': 'Last 7 days',
  '28d': 'Last 28 days',
  '30d': 'Last 30 days',
  month: 'This month',
  '12mo': 'Last 12 months',
  year: 'This year',
  all: 'All time',
};

export function periodText(period: Period, today: Day): string {
  return typeof period === 'string' ? PERIOD_NAMES[period] : rangeText(period, today);
}
