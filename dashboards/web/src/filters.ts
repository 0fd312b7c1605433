// One filter narrows the whole page: which values it can be on, and what of a panel it leaves to
// ask. Pure; the server decides the same, and this asks it for nothing that it would refuse.

import { GOAL_METRICS, HEADLINE_METRICS, type HeadlineMetric, type Metric } from './metrics';
import { nameOf } from './names';
import type { Breakdown } from './panels';

export interface Filter {
  dimension: string;
  value: string;
}

/** What can filter, as the address and the reader call it. */
const FILTERABLE: readonly { id: string; dimension: string; title: string }[] = [
  { id: 'page', dimension: 'event:page', title: 'Page' },
  { id: 'entry_page', dimension: 'visit:entry_page', title: 'First page' },
  { id: 'source', dimension: 'visit:source', title: 'Source' },
  { id: 'channel', dimension: 'visit:channel', title: 'Channel' },
  { id: 'utm_campaign', dimension: 'visit:utm_campaign', title: 'Campaign' },
  { id: 'country', dimension: 'visit:country', title: 'Country' },
  { id: 'device', dimension: 'visit:device', title: 'Device' },
  { id: 'browser', dimension: 'visit:browser', title: 'Browser' },
  { id: 'os', dimension: 'visit:os', title: 'System' },
  { id: 'goal', dimension: 'event:goal', title: 'Event' },
];

const GOAL = 'event:goal';
const VALUE_CHARACTERS_MAX = 512;

/** "country:NL" as in the address; null for what is no filter. */
export function parseFilter(text: string | null): Filter | null {
  const at = text?.indexOf(':') ?? -1;
  const id = text?.slice(0, Math.max(at, 0));
  const value = text?.slice(at + 1) ?? '';
  const found = FILTERABLE.find((each) => each.id === id);
  return found && canFilter(found.dimension, value) ? { dimension: found.dimension, value } : null;
}

export function formatFilter({ dimension, value }: Filter): string {
  const found = FILTERABLE.find((each) => each.dimension === dimension);
  return `${found?.id ?? ''}:${value}`;
}

/** Not what is no value of its own: what was past a limit, and what has none. */
export function canFilter(dimension: string, value: string): boolean {
  return (
    FILTERABLE.some((each) => each.dimension === dimension) &&
    value !== '' &&
    value.length <= VALUE_CHARACTERS_MAX &&
    value !== '(other)' &&
    value !== '(not set)'
  );
}

export function isFilter(filter: Filter | null, dimension: string, value: string): boolean {
  return filter?.dimension === dimension && filter.value === value;
}

export function filterTitle(filter: Filter): string {
  return FILTERABLE.find((each) => each.dimension === filter.dimension)?.title ?? '';
}

export function filterText(filter: Filter): string {
  return `${filterTitle(filter)}: ${nameOf(filter.dimension, filter.value).text}`;
}

/** The headline's metrics: of an event other things are kept than of a visit. */
export function headlineOf(filter: Filter | null): readonly HeadlineMetric[] {
  return filter?.dimension === GOAL ? GOAL_METRICS : HEADLINE_METRICS;
}

export type Narrowed = { breakdown: Breakdown } | { sentence: string };

/** What to ask for a panel under a filter, or why there is nothing to ask. */
export function narrow(breakdown: Breakdown, filter: Filter | null, preset: string): Narrowed {
  if (!filter || filter.dimension === breakdown.dimension) return { breakdown };
  // A region's name begins with its country.
  if (filter.dimension === 'visit:country' && breakdown.dimension === 'visit:region')
    return { breakdown };
  if (preset === 'strict')
    return { sentence: 'This site’s preset counts each of these for itself: no filter narrows it.' };
  if (!FILTERABLE.some((each) => each.dimension === breakdown.dimension))
    return {
      sentence: `${breakdown.rowName} is not counted together with ${filterTitle(filter).toLowerCase()}. Without the filter it is here.`,
    };
  const isOfGoals = filter.dimension === GOAL || breakdown.dimension === GOAL;
  const metrics: [Metric, ...Metric[]] = ['visits', isOfGoals ? 'events' : 'pageviews'];
  return { breakdown: { ...breakdown, metrics, more: metrics } };
}
