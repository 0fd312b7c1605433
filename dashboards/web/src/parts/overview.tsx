// The headline numbers and the chart: what they ask for, and what they are compared with.

import {
  comparedRange,
  fullDays,
  intervalsOf,
  rangeText,
  type Interval,
  type Range,
  type WallClock,
} from '../dates';
import { useQuery, type Loaded } from '../hooks';
import { headlineOf } from '../filters';
import type { HeadlineMetric } from '../metrics';
import { seriesRequest, totalsRequest, type QueryAnswer } from '../query';
import { useRoute } from '../route';
import { seriesOf } from '../series';
import { Chart } from './chart';
import { Headline, type HeadlineComparison } from './headline';
import { Failure } from './notice';

interface OverviewProps {
  site: string;
  now: WallClock;
  /** Null while it is not known. */
  range: Range | null;
  totals: Loaded<QueryAnswer>;
  tick: number;
}

export function Overview({ site, now, range, totals, tick }: OverviewProps) {
  const { view, go } = useRoute();
  // There is nothing before all there is.
  const mode = view.period === 'all' ? null : view.comparison;
  const compared = range && mode && comparedRange(range, mode, now.day);
  const metrics = headlineOf(view.filter);
  const metric = metrics.find((each) => each === view.metric) ?? 'visitors';
  const comparison = useComparison(site, range, compared, now, totals);
  if (totals.error) {
    return (
      <section class="card overview" aria-label="Overview">
        <Failure error={totals.error} onRetry={totals.retry} />
      </section>
    );
  }
  return (
    <section class="card overview" aria-label="Overview">
      <Headline
        metrics={metrics}
        values={totals.data?.results[0]?.metrics ?? null}
        comparison={comparison}
        isFresh={totals.isFresh}
        metric={metric}
        onMetric={(chosen) => go({ metric: chosen })}
      />
      {range ? (
        <TimeSeries {...{ site, now, range, compared, metric, tick }} />
      ) : (
        <div class="chart-wait" />
      )}
    </section>
  );
}

interface TimeSeriesProps {
  site: string;
  now: WallClock;
  range: Range;
  compared: Range | null;
  metric: HeadlineMetric;
  tick: number;
}

function TimeSeries({ site, now, range, compared, metric, tick }: TimeSeriesProps) {
  const { view } = useRoute();
  const choices = intervalsOf(range);
  const interval = choices.find((each) => each === view.interval) ?? choices[0];
  const metrics = headlineOf(view.filter);
  const isKept = interval !== 'hour' || view.filter === null;
  const ask = (of: Range) => seriesRequest(site, metrics, of, interval, view.filter);
  const series = useQuery(isKept ? ask(range) : null, tick);
  const earlier = useQuery(isKept && compared ? ask(compared) : null, 0);
  if (!isKept) {
    return (
      <p class="empty chart-wait">
        Hours are counted for the whole site only. Under a filter, a period of more days has a chart.
      </p>
    );
  }
  const before =
    compared && earlier.isFresh && earlier.data ? { answer: earlier.data, range: compared } : null;
  return (
    <>
      <div class="chart-head">
        <p class="quiet legend">
          {compared && (
            <>
              <span class="swatch" aria-hidden="true" /> Before: {rangeText(compared, now.day)}
            </>
          )}
        </p>
        {choices.length > 1 && <IntervalChoice choices={choices} interval={interval} />}
      </div>
      {series.error ? (
        <Failure error={series.error} onRetry={series.retry} />
      ) : series.data && series.isFresh ? (
        <Chart
          series={seriesOf(series.data, range, interval, metric, before, metrics)}
          metric={metric}
          now={now}
        />
      ) : (
        <div class="chart-wait" aria-hidden="true" />
      )}
    </>
  );
}

function IntervalChoice({ choices, interval }: { choices: Interval[]; interval: Interval }) {
  const { go } = useRoute();
  return (
    <select
      class="select small"
      aria-label="Chart by"
      value={interval}
      onChange={(event) => {
        const chosen = choices.find((each) => each === event.currentTarget.value);
        go({ interval: chosen === choices[0] ? null : (chosen ?? null) });
      }}
    >
      {choices.map((each) => (
        <option key={each} value={each}>
          by {each}
        </option>
      ))}
    </select>
  );
}

/** The headline's changes: over full days where there are some, else a whole day beside a running
 *  one. */
function useComparison(
  site: string,
  range: Range | null,
  compared: Range | null,
  now: WallClock,
  totals: Loaded<QueryAnswer>,
): HeadlineComparison | null {
  const { view } = useRoute();
  const full = range && compared && fullDays(range, compared, now.day);
  const hasRunning = range !== null && range.to >= now.day;
  const ask = (of: Range) => totalsRequest(site, headlineOf(view.filter), of, view.filter);
  const ours = useQuery(full && hasRunning ? ask(full.range) : null, 0);
  const before = useQuery(compared && ask(full ? full.compared : compared), 0);
  const current = full && hasRunning ? ours : totals;
  const values = current.isFresh ? current.data?.results[0]?.metrics : null;
  const earlier = before.isFresh ? before.data?.results[0]?.metrics : null;
  if (!compared || !values || !earlier) return null;
  return {
    values,
    before: earlier,
    text: rangeText(full ? full.compared : compared, now.day),
    isRunningDay: !full,
  };
}
