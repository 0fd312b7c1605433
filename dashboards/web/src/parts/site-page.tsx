// A site's page: what is asked, how fresh it must be, and which part shows which answer.

import { useEffect } from 'preact/hooks';
import type { Site } from '../api';
import {
  comparedRange,
  bucketKey,
  bucketLabels,
  dayCount,
  fullDays,
  intervalsOf,
  periodText,
  rangeOf,
  rangeText,
  wallClock,
  type Interval,
  type Range,
  type WallClock,
} from '../dates';
import type { Value } from '../format';
import { useClock, useLive, useQuery, useThrottled, type Loaded } from '../hooks';
import { HEADLINE_METRICS, METRICS, type HeadlineMetric } from '../metrics';
import { PANELS, PANEL_IDS } from '../panels';
import { answeredRange, seriesRequest, totalsRequest, type QueryAnswer } from '../query';
import { useRoute } from '../route';
import { Chart, type Series } from './chart';
import { Details } from './details';
import { Headline, type HeadlineComparison } from './headline';
import { Failure } from './notice';
import { Now } from './now';
import { Panel } from './panel';
import { PeriodPicker } from './period';
import { Setup } from './setup';
import { TopBar } from './top-bar';

/** Counts move within two seconds of what happened: the stream tells within one. */
const OVERVIEW_PAUSE_MS = 1_000;
const PANELS_PAUSE_MS = 2_000;

interface SitePageProps {
  site: Site;
  sites: Site[];
  collector: string | undefined;
}

export function SitePage({ site, sites, collector }: SitePageProps) {
  const { view } = useRoute();
  const now = wallClock(useClock(), site.timezone);
  const live = useLive(site.site_id);
  const range = rangeOf(view.period, now.day);
  const isLivePeriod = range === null || range.to >= now.day;
  const overviewTick = useThrottled(live.pulse, OVERVIEW_PAUSE_MS);
  const panelsPulse = useThrottled(live.pulse, PANELS_PAUSE_MS);
  const panelsTick = isLivePeriod ? panelsPulse : 0;

  const totals = useQuery(
    totalsRequest(site.site_id, HEADLINE_METRICS, range),
    isLivePeriod ? overviewTick : 0,
  );
  const views = totals.data?.results[0]?.metrics[HEADLINE_METRICS.indexOf('pageviews')] ?? 0;
  const isQuiet = totals.isFresh && views === 0;
  const ever = useQuery(isQuiet ? totalsRequest(site.site_id, ['pageviews'], null) : null, overviewTick);
  const isNew = isQuiet && ever.isFresh && (ever.data?.results[0]?.metrics[0] ?? 0) === 0;

  useEffect(() => {
    document.title = `${site.site_id} · Footfall`;
  }, [site.site_id]);

  const first = totals.data?.results[0];
  const visitorTotals = { visitors: first?.metrics[0], visits: first?.metrics[1] };
  if (isNew) {
    return (
      <>
        <TopBar site={site} sites={sites} />
        <Setup site={site} live={live} collector={collector} />
      </>
    );
  }
  if (totals.error && totals.data === null) {
    return (
      <>
        <TopBar site={site} sites={sites}>
          <PeriodPicker today={now.day} />
        </TopBar>
        <main class="page">
          <section class="card setup">
            <Failure error={totals.error} onRetry={totals.retry} />
          </section>
        </main>
      </>
    );
  }
  return (
    <>
      <TopBar site={site} sites={sites}>
        <PeriodPicker today={now.day} />
      </TopBar>
      <main class="page">
        <div class="top-row">
          <Overview site={site} now={now} range={range} totals={totals} tick={isLivePeriod ? overviewTick : 0} />
          <Now live={live} />
        </div>
        <div class="panels">
          {PANEL_IDS.map((id) => (
            <Panel key={id} panel={PANELS[id]} range={range} totals={visitorTotals} tick={panelsTick} />
          ))}
        </div>
        <Footnote range={range} site={site} />
      </main>
      {view.details && (
        <Details
          panel={PANELS[view.details]}
          range={range}
          periodText={range ? rangeText(range, now.day) : periodText(view.period, now.day)}
          totals={visitorTotals}
          tick={panelsTick}
        />
      )}
    </>
  );
}

interface OverviewProps {
  site: Site;
  now: WallClock;
  range: Range | null;
  totals: Loaded<QueryAnswer>;
  tick: number;
}

function Overview({ site, now, range, totals, tick }: OverviewProps) {
  const { view, go } = useRoute();
  const shown = range ?? (totals.data && answeredRange(totals.data));
  const choices = shown ? intervalsOf(shown) : null;
  const interval = choices && (choices.find((each) => each === view.interval) ?? choices[0]);
  const compared = range && view.comparison ? comparedRange(range, view.comparison, now.day) : null;
  const ask = (of: Range | null) =>
    of && interval ? seriesRequest(site.site_id, HEADLINE_METRICS, of, interval) : null;
  const series = useQuery(ask(shown), tick);
  const before = useQuery(ask(compared), 0);

  const comparison = useComparison(site.site_id, range, compared, now, totals);

  const first = totals.data?.results[0];
  const error = totals.error ?? series.error;
  const retry = totals.error ? totals.retry : series.retry;
  return (
    <section class="card overview" aria-label="Overview">
      {error ? (
        <Failure error={error} onRetry={retry} />
      ) : (
        <>
          <Headline
            values={first?.metrics ?? null}
            comparison={comparison}
            isFresh={totals.isFresh}
            metric={view.metric}
            onMetric={(metric) => go({ metric })}
          />
          <div class="chart-head">
            <p class="quiet legend">
              {compared && (
                <>
                  <span class="swatch" aria-hidden="true" /> Before: {rangeText(compared, now.day)}
                </>
              )}
            </p>
            {choices && choices.length > 1 && interval && (
              <IntervalChoice choices={choices} interval={interval} />
            )}
          </div>
          {series.data && shown && interval && series.isFresh ? (
            <Chart
              series={chartSeries(series.data, before.isFresh ? before.data : null, shown, compared, interval, view.metric)}
              metric={view.metric}
              now={now}
              isFresh={series.isFresh}
            />
          ) : (
            <div class="chart-wait" aria-hidden="true" />
          )}
        </>
      )}
    </section>
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

/** The headline's changes: over full days where there are some, else a whole day beside a running one. */
function useComparison(
  site: string,
  range: Range | null,
  compared: Range | null,
  now: WallClock,
  totals: Loaded<QueryAnswer>,
): HeadlineComparison | null {
  const full = range && compared && fullDays(range, compared, now.day);
  const hasRunning = range !== null && range.to >= now.day;
  const ask = (of: Range) => totalsRequest(site, HEADLINE_METRICS, of);
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

/** Rows that the server left out had no visits: sums of nothing are zero, averages are none. */
function valuesOf(answer: QueryAnswer, labels: string[], interval: Interval, metric: HeadlineMetric): Value[] {
  const column = HEADLINE_METRICS.indexOf(metric);
  const nothing = METRICS[metric].isSum ? 0 : null;
  const rows = new Map(answer.results.map((row) => [bucketKey(row.dimensions[0] ?? '', interval), row]));
  return labels.map((label) => {
    const row = rows.get(bucketKey(label, interval));
    return row ? row.metrics[column] : nothing;
  });
}

function chartSeries(
  answer: QueryAnswer,
  before: QueryAnswer | null,
  range: Range,
  compared: Range | null,
  interval: Interval,
  metric: HeadlineMetric,
): Series {
  const labels = answer.meta?.time_labels ?? bucketLabels(range, interval);
  const beforeLabels = compared ? (before?.meta?.time_labels ?? bucketLabels(compared, interval)) : [];
  return {
    labels,
    interval,
    values: valuesOf(answer, labels, interval, metric),
    before: before && compared ? valuesOf(before, beforeLabels, interval, metric) : null,
    beforeLabels,
  };
}

function Footnote({ range, site }: { range: Range | null; site: Site }) {
  const isLong = range === null || dayCount(range) > 1;
  return (
    <footer class="footnote">
      {isLong && (
        <p>
          <b>Visitors over several days</b> are the daily visitors, added up. Nothing is kept that could tell whether
          somebody came back on another day, so a visitor of three days counts three times here.
        </p>
      )}
      <p>
        Visitors are estimated, usually within 2%. Days are those of {site.timezone}. No cookies, no addresses, no
        profiles: only counts are kept.
      </p>
    </footer>
  );
}
