// What each metric is called, how it reads and which way is good. Pure.

import {
  formatCount,
  formatPercent,
  formatRatio,
  formatSeconds,
  formatShort,
  type Value,
} from './format';

export const HEADLINE_METRICS = [
  'visitors',
  'visits',
  'pageviews',
  'views_per_visit',
  'bounce_rate',
  'visit_duration',
] as const;
/** Of an event. */
export const GOAL_METRICS = ['visitors', 'visits', 'events'] as const;
export type HeadlineMetric = (typeof HEADLINE_METRICS)[number] | (typeof GOAL_METRICS)[number];
export type Metric = HeadlineMetric | 'time_on_page' | 'scroll_depth';

export interface MetricInfo {
  label: string;
  /** For a column head, where room is short. */
  column: string;
  explanation: string;
  /** In full. */
  format: (value: Value) => string;
  /** For a headline, a chart's scale or a narrow column. */
  short: (value: Value) => string;
  /** Days add up, so a running day cannot be compared with a whole one. */
  isSum: boolean;
  /** It is a percentage itself, so that it changes by points. */
  inPoints: boolean;
  /** More of it is worse. */
  lessIsBetter: boolean;
}

const count = {
  format: formatCount,
  short: formatShort,
  isSum: true,
  inPoints: false,
  lessIsBetter: false,
};
const ratio = { isSum: false, inPoints: false, lessIsBetter: false };

export const METRICS: Record<Metric, MetricInfo> = {
  visitors: {
    ...count,
    label: 'Visitors',
    column: 'Visitors',
    explanation:
      'Different people in a day, estimated. Over several days, the daily numbers added up.',
  },
  visits: {
    ...count,
    label: 'Visits',
    column: 'Visits',
    explanation: 'Series of views without a pause of 30 minutes. A new day begins a new visit.',
  },
  pageviews: {
    ...count,
    label: 'Page views',
    column: 'Views',
    explanation: 'Pages that were opened, reloads included.',
  },
  views_per_visit: {
    ...ratio,
    label: 'Views per visit',
    column: 'Views / visit',
    format: formatRatio,
    short: formatRatio,
    explanation: 'Page views divided by visits.',
  },
  bounce_rate: {
    ...ratio,
    label: 'Bounce rate',
    column: 'Bounces',
    format: formatPercent,
    short: formatPercent,
    inPoints: true,
    lessIsBetter: true,
    explanation: 'Visits that saw a single page and did nothing else there.',
  },
  visit_duration: {
    ...ratio,
    label: 'Visit duration',
    column: 'Duration',
    format: formatSeconds,
    short: formatSeconds,
    explanation: 'From a visit’s first sign of life to its last, on average.',
  },
  time_on_page: {
    ...ratio,
    label: 'Time on page',
    column: 'Time',
    format: formatSeconds,
    short: formatSeconds,
    explanation: 'How long the page was in view and in use, on average.',
  },
  scroll_depth: {
    ...ratio,
    label: 'Scroll depth',
    column: 'Scrolled',
    format: formatPercent,
    short: formatPercent,
    inPoints: true,
    explanation: 'How much of the page was scrolled into view, on average.',
  },
  events: { ...count, label: 'Events', column: 'Count', explanation: 'How often it happened.' },
};
