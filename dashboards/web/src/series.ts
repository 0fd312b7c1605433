// From answers to what the chart draws. Pure.

import {
  bucketKey,
  bucketLabels,
  bucketState,
  type Interval,
  type Range,
  type WallClock,
} from './dates';
import type { Value } from './format';
import { HEADLINE_METRICS, METRICS, type HeadlineMetric } from './metrics';
import type { QueryAnswer } from './query';

export interface Series {
  labels: string[];
  interval: Interval;
  values: Value[];
  /** Aligned by position; may be shorter or longer. Null: nothing to compare with. */
  before: Value[] | null;
  beforeLabels: string[];
}

/** What a series is compared with. */
export interface SeriesBefore {
  answer: QueryAnswer;
  range: Range;
}

const labelsOf = (answer: QueryAnswer, range: Range, interval: Interval): string[] =>
  answer.meta?.time_labels ?? bucketLabels(range, interval);

/** Rows that the server left out had no visits: sums of nothing are zero, averages are none. */
function valuesOf(
  answer: QueryAnswer,
  labels: string[],
  interval: Interval,
  metric: HeadlineMetric,
  metrics: readonly HeadlineMetric[],
): Value[] {
  const column = metrics.indexOf(metric);
  const nothing = METRICS[metric].isSum ? 0 : null;
  const rows = new Map(
    answer.results.map((row) => [bucketKey(row.dimensions[0] ?? '', interval), row]),
  );
  return labels.map((label) => {
    const row = rows.get(bucketKey(label, interval));
    return row ? row.metrics[column] : nothing;
  });
}

/** The metrics of an answer stand in the order of `metrics`. */
export function seriesOf(
  answer: QueryAnswer,
  range: Range,
  interval: Interval,
  metric: HeadlineMetric,
  before: SeriesBefore | null,
  metrics: readonly HeadlineMetric[] = HEADLINE_METRICS,
): Series {
  const labels = labelsOf(answer, range, interval);
  const beforeLabels = before ? labelsOf(before.answer, before.range, interval) : [];
  return {
    labels,
    interval,
    values: valuesOf(answer, labels, interval, metric, metrics),
    before: before && valuesOf(before.answer, beforeLabels, interval, metric, metrics),
    beforeLabels,
  };
}

type Column = (number | null)[];

/** What is drawn: positions; buckets that are over, as a line; the last of them and the one that
 *  runs, dashed; the time before. Buckets to come are left empty. */
export function columnsOf(series: Series, now: WallClock): [number[], Column, Column, Column] {
  const states = series.labels.map((label) => bucketState(label, series.interval, now));
  const running = states.indexOf('running');
  const isDashed = (at: number): boolean => running >= 0 && (at === running || at === running - 1);
  const value = (at: number): number | null => series.values[at] ?? null;
  return [
    series.labels.map((_, at) => at),
    states.map((state, at) => (state === 'past' ? value(at) : null)),
    states.map((_, at) => (isDashed(at) ? value(at) : null)),
    series.labels.map((_, at) => series.before?.[at] ?? null),
  ];
}
