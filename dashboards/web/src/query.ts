// The requests of the page, in the shape of the query API (Plausible's Stats API v2). Pure.

import { isDay, type Day, type Interval, type Range } from './dates';
import type { Filter } from './filters';
import type { Metric } from './metrics';
import type { Breakdown } from './panels';

export type DateRange = 'all' | [Day, Day];

export interface QueryRequest {
  site_id: string;
  metrics: Metric[];
  date_range: DateRange;
  dimensions?: string[];
  filters?: QueryFilter[];
  order_by?: [string, 'asc' | 'desc'][];
  include?: { time_labels?: true; total_rows?: true };
  pagination?: { limit: number; offset: number };
}

export type QueryFilter = ['is' | 'is_not', string, string[]];

export interface QueryRow {
  metrics: (number | null)[];
  dimensions: string[];
}

export interface QueryAnswer {
  results: QueryRow[];
  meta?: {
    time_labels?: string[];
    total_rows?: number;
    metric_warnings?: Record<string, { code: string; warning: string }>;
  };
}

/** What the server calls a visit without a value. */
const UNSET = '(not set)';

const dateRange = (range: Range): DateRange => [range.from, range.to];

const filtersOf = (filter: Filter | null): QueryFilter[] =>
  filter ? [['is', filter.dimension, [filter.value]]] : [];

/** No field where there is no filter. */
const withFilters = (filters: QueryFilter[]): { filters?: QueryFilter[] } =>
  filters.length > 0 ? { filters } : {};

/** The first day on which something was counted: one row, or none. */
export function firstDayRequest(site: string): QueryRequest {
  return {
    site_id: site,
    metrics: ['pageviews'],
    date_range: 'all',
    dimensions: ['time:day'],
    order_by: [['time:day', 'asc']],
    pagination: { limit: 1, offset: 0 },
  };
}

/** Null where nothing has been counted yet. */
export function answeredFirstDay(answer: QueryAnswer): Day | null {
  const label = answer.results[0]?.dimensions[0]?.slice(0, 10) ?? '';
  return isDay(label) ? label : null;
}

export function totalsRequest(
  site: string,
  metrics: readonly Metric[],
  range: Range,
  filter: Filter | null = null,
): QueryRequest {
  return {
    ...withFilters(filtersOf(filter)),
    site_id: site,
    metrics: [...metrics],
    date_range: dateRange(range),
  };
}

export function seriesRequest(
  site: string,
  metrics: readonly Metric[],
  range: Range,
  interval: Interval,
  filter: Filter | null = null,
): QueryRequest {
  return {
    ...withFilters(filtersOf(filter)),
    site_id: site,
    metrics: [...metrics],
    date_range: dateRange(range),
    dimensions: [`time:${interval}`],
    include: { time_labels: true },
  };
}

export interface BreakdownAsk {
  breakdown: Breakdown;
  metrics: readonly Metric[];
  range: Range;
  filter: Filter | null;
  pagination: { limit: number; offset: number };
}

export function breakdownRequest(site: string, ask: BreakdownAsk): QueryRequest {
  const { breakdown, pagination } = ask;
  const rare: QueryFilter[] = breakdown.isRare ? [['is_not', breakdown.dimension, [UNSET]]] : [];
  return {
    ...withFilters([...filtersOf(ask.filter), ...rare]),
    site_id: site,
    metrics: [...ask.metrics],
    date_range: dateRange(ask.range),
    dimensions: [breakdown.dimension],
    order_by: [[breakdown.metrics[0], 'desc']],
    include: { total_rows: true },
    pagination,
  };
}

/** What the reader should know of these rows; null: nothing. */
export function rowsWarning(answer: QueryAnswer | null): string | null {
  const warnings = Object.values(answer?.meta?.metric_warnings ?? {});
  return warnings.find((each) => each.code === 'pairs_cut')?.warning ?? null;
}

/** Where the same numbers are as CSV. */
export function exportUrl(request: QueryRequest): string {
  const query = new URLSearchParams();
  query.set('metrics', request.metrics.join(','));
  query.set(
    'date_range',
    typeof request.date_range === 'string' ? request.date_range : request.date_range.join(','),
  );
  if (request.dimensions) query.set('dimensions', request.dimensions.join(','));
  if (request.filters) query.set('filters', JSON.stringify(request.filters));
  return `/api/v2/export/${encodeURIComponent(request.site_id)}.csv?${query.toString()}`;
}
