// The time chart. What is drawn is also there as words and as a table. The bucket that still runs is
// a dashed line; buckets that are yet to come are left empty.

import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { bucketState, bucketText, tickIndexes, tickText, type Interval, type WallClock } from '../dates';
import type { Value } from '../format';
import { useWidth } from '../hooks';
import { METRICS, type HeadlineMetric } from '../metrics';

export interface Series {
  labels: string[];
  interval: Interval;
  values: Value[];
  /** Aligned by position; may be shorter or longer. */
  before: Value[] | null;
  beforeLabels: string[];
}

interface ChartProps {
  series: Series;
  metric: HeadlineMetric;
  now: WallClock;
  isFresh: boolean;
}

const HEIGHT_PX = 260;
const HEIGHT_NARROW_PX = 200;
const NARROW_PX = 520;
const TICK_PX = 76;
const POINTS_MAX = 31;

type Column = (number | null)[];

/** Columns for uPlot: position, done, running, before. */
function columnsOf(series: Series, now: WallClock): [number[], Column, Column, Column] {
  const states = series.labels.map((label) => bucketState(label, series.interval, now));
  const running = states.indexOf('running');
  const value = (at: number): number | null => series.values[at] ?? null;
  return [
    series.labels.map((_, at) => at),
    states.map((state, at) => (state === 'past' ? value(at) : null)),
    states.map((_, at) => (running >= 0 && (at === running || at === running - 1) ? value(at) : null)),
    series.labels.map((_, at) => series.before?.[at] ?? null),
  ];
}

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const COUNT_STEPS = [1, 2, 5].flatMap((n) => [0, 1, 2, 3, 4, 5, 6, 7, 8].map((power) => n * 10 ** power)).sort((a, b) => a - b);
const RATIO_STEPS = [0.1, 0.2, 0.5, ...COUNT_STEPS];
const SECOND_STEPS = [5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200];

function stepsOf(metric: HeadlineMetric): number[] {
  if (metric === 'visit_duration') return SECOND_STEPS;
  return METRICS[metric].isSum || METRICS[metric].inPoints ? COUNT_STEPS : RATIO_STEPS;
}

function optionsOf(
  { series, metric }: ChartProps,
  width: number,
  onHover: (at: number | null) => void,
): uPlot.Options {
  const { labels, interval } = series;
  const years = new Set(labels.map((label) => label.slice(0, 4)));
  const accent = color('accent');
  const axis = { stroke: color('muted'), font: '12px system-ui, sans-serif', ticks: { show: false } };
  const points = { show: labels.length <= POINTS_MAX, size: 6, fill: accent, stroke: accent };
  const last = Math.max(1, labels.length - 1);
  return {
    width,
    height: width < NARROW_PX ? HEIGHT_NARROW_PX : HEIGHT_PX,
    padding: [12, 26, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: false, range: labels.length === 1 ? [-1, 1] : [0, last] },
      y: { range: (_, __, max) => [0, Math.max(metric === 'views_per_visit' ? 1 : 4, (max ?? 0) * 1.08)] },
    },
    axes: [
      {
        ...axis,
        size: 32,
        grid: { show: false },
        splits: () => tickIndexes(labels.length, interval, Math.floor(width / TICK_PX)),
        values: (_, splits) => splits.map((at) => tickText(labels[at] ?? '', interval, years.size > 1)),
      },
      {
        ...axis,
        size: 52,
        space: 44,
        incrs: stepsOf(metric),
        grid: { stroke: color('line'), width: 1 },
        values: (_, splits) => splits.map((value) => METRICS[metric].short(value)),
      },
    ],
    series: [
      {},
      { stroke: accent, width: 2, fill: color('accent-fill'), points },
      { stroke: accent, width: 2, dash: [5, 5], fill: color('accent-fill'), points },
      { stroke: color('before'), width: 1.5, points: { show: false } },
    ],
    hooks: { setCursor: [(plot) => onHover(plot.cursor.idx ?? null)] },
  };
}

/** Counts how often the colours have changed under the page. */
function useColorScheme(): number {
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const onChange = (): void => setChanges((count) => count + 1);
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, []);
  return changes;
}

export function Chart(props: ChartProps) {
  const { series, metric, now, isFresh } = props;
  const [setHolder, width] = useWidth<HTMLDivElement>();
  const holder = useRef<HTMLDivElement | null>(null);
  const plot = useRef<uPlot | null>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const scheme = useColorScheme();
  const shape = `${metric} ${series.interval} ${series.labels.join()} ${width} ${scheme}`;

  useEffect(() => {
    if (!holder.current || width === 0) return undefined;
    const made = new uPlot(optionsOf(props, width, setHovered), columnsOf(series, now), holder.current);
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => plot.current?.setData(columnsOf(series, now)), [series, now.day, now.hour, shape]);

  return (
    <div class={`chart${isFresh ? '' : ' stale'}`}>
      <div class="chart-holder" ref={setHolder}>
        <div ref={holder} role="img" aria-label={inWords(props)} />
        {hovered !== null && plot.current && <Tooltip {...props} at={hovered} plot={plot.current} />}
      </div>
      <Numbers {...props} />
    </div>
  );
}

function inWords({ series, metric }: ChartProps): string {
  const info = METRICS[metric];
  let best = -1;
  series.values.forEach((value, at) => {
    if ((value ?? -1) > (best < 0 ? 0 : (series.values[best] ?? 0))) best = at;
  });
  const first = bucketText(series.labels[0] ?? '', series.interval);
  const last = bucketText(series.labels[series.labels.length - 1] ?? '', series.interval);
  const most = best < 0 ? 'nothing yet' : `at most ${info.format(series.values[best])} (${bucketText(series.labels[best] ?? '', series.interval)})`;
  return `${info.label} by ${series.interval}, ${first} to ${last}: ${most}. The numbers are in the table below the chart.`;
}

const TOOLTIP_PX = 190;
const TOOLTIP_GAP_PX = 12;

function Tooltip({ series, metric, now, at, plot }: ChartProps & { at: number; plot: uPlot }) {
  const label = series.labels[at];
  if (label === undefined) return null;
  const state = bucketState(label, series.interval, now);
  const before = series.before?.[at];
  const beforeLabel = series.beforeLabels[at];
  const x = plot.valToPos(at, 'x') + plot.bbox.left / devicePixelRatio;
  // Beside the position, so that it does not cover what it tells about.
  const isRoomy = x + TOOLTIP_GAP_PX + TOOLTIP_PX <= plot.width;
  const left = Math.max(0, isRoomy ? x + TOOLTIP_GAP_PX : x - TOOLTIP_GAP_PX - TOOLTIP_PX);
  return (
    <div class="tooltip" style={{ left: `${left}px`, width: `${TOOLTIP_PX}px` }} aria-hidden="true">
      <div class="tooltip-head">{bucketText(label, series.interval)}</div>
      <div class="tooltip-row">
        <span>{METRICS[metric].label}</span>
        <b>{state === 'future' ? '–' : METRICS[metric].format(series.values[at])}</b>
      </div>
      {before !== undefined && beforeLabel !== undefined && (
        <div class="tooltip-row quiet">
          <span>{series.interval === 'hour' ? 'Day before' : bucketText(beforeLabel, series.interval)}</span>
          <span>{METRICS[metric].format(before)}</span>
        </div>
      )}
      {state === 'running' && <div class="tooltip-row quiet">Not over yet</div>}
    </div>
  );
}

function Numbers({ series, metric, now }: ChartProps) {
  const info = METRICS[metric];
  return (
    <details class="numbers">
      <summary>Numbers as a table</summary>
      <div class="scroll">
        <table>
          <caption class="sr-only">
            {info.label} by {series.interval}
          </caption>
          <thead>
            <tr>
              <th scope="col">{{ hour: 'Hour', day: 'Day', week: 'Week', month: 'Month' }[series.interval]}</th>
              <th scope="col">{info.label}</th>
              {series.before && <th scope="col">Before</th>}
            </tr>
          </thead>
          <tbody>
            {series.labels.map((label, at) => {
              const state = bucketState(label, series.interval, now);
              return (
                <tr key={label}>
                  <th scope="row">
                    {bucketText(label, series.interval)}
                    {state === 'running' && <span class="quiet"> · not over yet</span>}
                  </th>
                  <td>{state === 'future' ? '–' : info.format(series.values[at])}</td>
                  {series.before && <td>{info.format(series.before[at])}</td>}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </details>
  );
}
