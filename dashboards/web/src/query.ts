// The requests of the page, in the shape of the query API (Plausible's Stats API v2). Pure.

import type { Day, Interval, Range } from './dates';
import type { Metric } from './metrics';
import type { Breakdown } from './panels';

export type DateRange = 'all' | [Day, Day];

export interface QueryRequest {
  site_id: string;
  metrics: Metric[];
  date_range: DateRange;
  dimensions?: string[];
  order_by?: [string, 'asc' | 'desc'][];
  include?: { time_labels?: true; total_rows?: true };
  pagination?: { limit: number; offset: number };
}

export interface QueryRow {
  metrics: (number | null)[];
  dimensions: string[];
}

export interface QueryAnswer {
  results: QueryRow[];
  meta?: { time_labels?: string[]; total_rows?: number };
  query?: { date_range?: unknown };
}

/** Null: all that is kept. */
export function dateRange(range: Range | null): DateRange {
  return range ? [range.from, range.to] : 'all';
}

/** The days that the server took `all` to be; null when it does not say. */
export function answeredRange(answer: QueryAnswer): Range | null {
  const echoed = answer.query?.date_range;
  if (!Array.isArray(echoed) || echoed.length !== 2) return null;
  const [from, to] = echoed.map((each: unknown) => String(each).slice(0, 10));
  return from && to && /^\d{4}-\d{2}-\d{2}$/.test(from) && from <= to ? { from, to } : null;
}

export function totalsRequest(
  site: string,
  metrics: readonly Metric[],
  range: Range | null,
): QueryRequest {
  return { site_id: site, metrics: [...metrics], date_range: dateRange(range) };
}

export function seriesRequest(
  site: string,
  metrics: readonly Metric[],
  range: Range,
  interval: Interval,
): QueryRequest {
  return {
    site_id: site,
    metrics: [...metrics],
    date_range: dateRange(range),
    dimensions: [`time:${interval}`],
    include: { time_labels: true },
  };
}

export function breakdownRequest(
  site: string,
  breakdown: Breakdown,
  metrics: readonly Metric[],
  range: Range | null,
  pagination: { limit: number; offset: number },
): QueryRequest {
  return {
    site_id: site,
    metrics: [...metrics],
    date_range: dateRange(range),
    dimensions: [breakdown.dimension],
    order_by: [[breakdown.metrics[0], 'desc']],
    include: { total_rows: true },
    pagination,
  };
}

/** Where the same numbers are as CSV. */
export function exportUrl(request: QueryRequest): string {
  const query = new URLSearchParams();
  query.set('metrics', request.metrics.join(','));
  query.set('date_range', typeof request.date_range === 'string' ? request.date_range : request.date_range.join(','));
  if (request.dimensions) query.set('dimensions', request.dimensions.join(','));
  return `/api/v2/export/${encodeURIComponent(request.site_id)}.csv?${query.toString()}`;
}
