// What the page shows is its URL and nothing else: this module reads one and writes one. Pure.
// What is not in the URL, or not understood, takes its default; defaults are left out of it.

import {
  INTERVALS,
  PERIODS,
  isDay,
  type Comparison,
  type Interval,
  type NamedPeriod,
  type Period,
} from './dates';
import { formatFilter, parseFilter, type Filter } from './filters';
import { GOAL_METRICS, HEADLINE_METRICS, type HeadlineMetric } from './metrics';
import { PANELS, PANEL_IDS, findBreakdown, type PanelId } from './panels';

export interface View {
  /** Empty: the list of sites. */
  site: string;
  period: Period;
  /** Null: not compared. */
  comparison: Comparison | null;
  metric: HeadlineMetric;
  /** What the whole page is about; null: everything. */
  filter: Filter | null;
  /** Null: what suits the period. */
  interval: Interval | null;
  /** The breakdown each panel shows. */
  breakdowns: Record<PanelId, string>;
  /** The panel that is open in full, and its page of rows, from 1. */
  details: PanelId | null;
  detailsPage: number;
}

const PERIOD_DEFAULT: NamedPeriod = '7d';
const DETAILS_PAGE_MAX = 1000;
const METRICS_OF_A_VIEW: readonly HeadlineMetric[] = [...HEADLINE_METRICS, ...GOAL_METRICS];

function isOneOf<T extends string>(list: readonly T[], text: string | null): text is T {
  return text !== null && (list as readonly string[]).includes(text);
}

function parsePeriod(query: URLSearchParams): Period {
  const period = query.get('period');
  if (isOneOf(PERIODS, period)) return period;
  const from = query.get('from') ?? '';
  const to = query.get('to') ?? '';
  return isDay(from) && isDay(to) && from <= to ? { from, to } : PERIOD_DEFAULT;
}

function parseComparison(text: string | null): Comparison | null {
  if (text === 'none') return null;
  return text === 'year_over_year' ? text : 'previous_period';
}

function parsePage(text: string | null): number {
  const page = /^\d{1,4}$/.test(text ?? '') ? Number(text) : 1;
  return Math.min(Math.max(page, 1), DETAILS_PAGE_MAX);
}

function parseSite(pathname: string): string {
  const segment = pathname.split('/')[1] ?? '';
  try {
    return decodeURIComponent(segment).toLowerCase();
  } catch {
    return segment;
  }
}

function parseBreakdowns(query: URLSearchParams): Record<PanelId, string> {
  const ids = {} as Record<PanelId, string>;
  for (const panel of PANEL_IDS)
    ids[panel] = findBreakdown(PANELS[panel], query.get(panel) ?? '').id;
  return ids;
}

export function parseView(pathname: string, search: string): View {
  const query = new URLSearchParams(search);
  const metric = query.get('metric');
  const interval = query.get('interval');
  const details = query.get('details');
  return {
    site: parseSite(pathname),
    period: parsePeriod(query),
    comparison: parseComparison(query.get('compare')),
    metric: isOneOf(METRICS_OF_A_VIEW, metric) ? metric : 'visitors',
    filter: parseFilter(query.get('filter')),
    interval: isOneOf(INTERVALS, interval) ? interval : null,
    breakdowns: parseBreakdowns(query),
    details: isOneOf(PANEL_IDS, details) ? details : null,
    detailsPage: parsePage(query.get('page')),
  };
}

/** Path and query; the same view always gives the same text. */
export function formatView(view: View): string {
  const query = new URLSearchParams();
  if (typeof view.period === 'string') {
    if (view.period !== PERIOD_DEFAULT) query.set('period', view.period);
  } else {
    query.set('from', view.period.from);
    query.set('to', view.period.to);
  }
  if (view.comparison === null) query.set('compare', 'none');
  else if (view.comparison !== 'previous_period') query.set('compare', view.comparison);
  if (view.metric !== 'visitors') query.set('metric', view.metric);
  if (view.filter !== null) query.set('filter', formatFilter(view.filter));
  if (view.interval !== null) query.set('interval', view.interval);
  for (const panel of PANEL_IDS) {
    if (view.breakdowns[panel] !== findBreakdown(PANELS[panel], '').id)
      query.set(panel, view.breakdowns[panel]);
  }
  if (view.details !== null) {
    query.set('details', view.details);
    if (view.detailsPage > 1) query.set('page', String(view.detailsPage));
  }
  const text = query.toString();
  return `/${encodeURIComponent(view.site)}${text === '' ? '' : `?${text}`}`;
}
