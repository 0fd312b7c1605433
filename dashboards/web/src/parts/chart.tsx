// The time chart. What is drawn is also there as words and as a table. The bucket that still runs is
// a dashed line; buckets that are yet to come are left empty.

import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { bucketState, bucketText, tickIndexes, tickText, type WallClock } from '../dates';
import { useWidth } from '../hooks';
import { METRICS, type HeadlineMetric } from '../metrics';
import { columnsOf, type Series } from '../series';

interface ChartProps {
  series: Series;
  metric: HeadlineMetric;
  now: WallClock;
}

const HEIGHT_PX = 260;
const HEIGHT_NARROW_PX = 200;
const NARROW_PX = 520;
const TICK_PX = 76;
const POINTS_MAX = 31;

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const COUNT_STEPS = [1, 2, 5]
  .flatMap((n) => [0, 1, 2, 3, 4, 5, 6, 7, 8].map((power) => n * 10 ** power))
  .sort((a, b) => a - b);
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
  const axis = {
    stroke: color('muted'),
    font: '12px system-ui, sans-serif',
    ticks: { show: false },
  };
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
      y: {
        range: (_, __, max) => [
          0,
          Math.max(metric === 'views_per_visit' ? 1 : 4, (max ?? 0) * 1.08),
        ],
      },
    },
    axes: [
      {
        ...axis,
        size: 32,
        grid: { show: false },
        splits: () => tickIndexes(labels.length, interval, Math.floor(width / TICK_PX)),
        values: (_, splits) =>
          splits.map((at) => tickText(labels[at] ?? '', interval, years.size > 1)),
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
  const { series, metric, now } = props;
  const [setHolder, width] = useWidth<HTMLDivElement>();
  const holder = useRef<HTMLDivElement | null>(null);
  const plot = useRef<uPlot | null>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const scheme = useColorScheme();
  const shape = `${metric} ${series.interval} ${series.labels.join()} ${width} ${scheme}`;

  useEffect(() => {
    if (!holder.current || width === 0) return undefined;
    const made = new uPlot(
      optionsOf(props, width, setHovered),
      columnsOf(series, now),
      holder.current,
    );
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(
    () => plot.current?.setData(columnsOf(series, now)),
    [series, now.day, now.hour, shape],
  );

  return (
    <div class="chart">
      <div class="chart-holder" ref={setHolder}>
        <div ref={holder} role="img" aria-label={inWords(props)} />
        {hovered !== null && plot.current && (
          <Tooltip {...props} at={hovered} plot={plot.current} />
        )}
      </div>
      <Numbers {...props} />
    </div>
  );
}

function inWords({ series, metric }: ChartProps): string {
  const info = METRICS[metric];
  const textAt = (at: number): string => bucketText(series.labels[at] ?? '', series.interval);
  const values = series.values.map((value) => value ?? 0);
  const best = values.indexOf(Math.max(...values));
  const span = `${info.label} by ${series.interval}, ${textAt(0)} to ${textAt(values.length - 1)}`;
  const most = values[best] ? `at most ${info.format(values[best])} (${textAt(best)})` : 'nothing yet';
  return `${span}: ${most}. The numbers are in the table below the chart.`;
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
          <span>
            {series.interval === 'hour' ? 'Day before' : bucketText(beforeLabel, series.interval)}
          </span>
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
              <th scope="col">
                {{ hour: 'Hour', day: 'Day', week: 'Week', month: 'Month' }[series.interval]}
              </th>
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
