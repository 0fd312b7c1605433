// A site's page: which days it is about, how fresh they must be, and which parts it has.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiError, Site } from '../api';
import {
  dayCount,
  rangeOf,
  rangeText,
  wallClock,
  type Day,
  type Range,
  type WallClock,
} from '../dates';
import { useClock, useLive, useQuery, useThrottled, type Live, type Loaded } from '../hooks';
import { headlineOf } from '../filters';
import { keptText } from '../format';
import { PANELS, PANEL_IDS } from '../panels';
import { answeredFirstDay, firstDayRequest, totalsRequest, type QueryAnswer } from '../query';
import { useRoute } from '../route';
import { Details } from './details';
import { FilterBar } from './filter-bar';
import { Link } from './link';
import { Failure } from './notice';
import { Now } from './now';
import { Overview } from './overview';
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
  collector: string | null | undefined;
}

export function SitePage({ site, sites, collector }: SitePageProps) {
  const { view } = useRoute();
  const now = wallClock(useClock(), site.timezone);
  const live = useLive(site.site_id);
  const counts = useCounts(site.site_id, now, live);
  const { range, totals, panelsTick } = counts;
  useEffect(() => {
    document.title = `${site.site_id} · Footfall`;
  }, [site.site_id]);

  if (counts.isNew) {
    return (
      <>
        <TopBar site={site} sites={sites} />
        <Setup site={site} live={live} collector={collector} />
      </>
    );
  }
  const frame = (page: ComponentChildren) => (
    <>
      <TopBar site={site} sites={sites}>
        <PeriodPicker today={now.day} />
      </TopBar>
      <main class="page">
        {view.filter && <FilterBar filter={view.filter} />}
        {counts.earliest && <Earlier first={counts.earliest} today={now.day} />}
        {page}
      </main>
    </>
  );
  if (counts.failure && !totals.data) {
    return frame(
      <section class="card setup">
        <Failure error={counts.failure.error} onRetry={counts.failure.retry} />
      </section>,
    );
  }
  const sums = totals.data?.results[0]?.metrics;
  const wholes = { visitors: sums?.[0], visits: sums?.[1] };
  return frame(
    <>
      <div class="top-row">
        <Overview
          site={site.site_id}
          now={now}
          range={range}
          totals={totals}
          tick={counts.overviewTick}
        />
        <Now live={live} isFiltered={view.filter !== null} />
      </div>
      <div class="panels">
        {PANEL_IDS.map((id) => (
          <Panel
            key={id}
            site={site}
            panel={PANELS[id]}
            range={range}
            totals={wholes}
            tick={panelsTick}
          />
        ))}
      </div>
      <Footnote range={range} site={site} />
      {view.details && range && (
        <Details
          site={site}
          panel={PANELS[view.details]}
          range={range}
          periodText={rangeText(range, now.day)}
          totals={wholes}
          tick={panelsTick}
        />
      )}
    </>,
  );
}

interface Counts {
  /** Null while it is not known. */
  range: Range | null;
  totals: Loaded<QueryAnswer>;
  /** Nothing has ever been counted. */
  isNew: boolean;
  /** The first day of what was counted, where this period has nothing of it. */
  earliest: Day | null;
  failure: { error: ApiError; retry: () => void } | null;
  /** Move when the parts are to ask again; still when the period is over. */
  overviewTick: number;
  panelsTick: number;
}

function useCounts(site: string, now: WallClock, live: Live): Counts {
  const { view } = useRoute();
  const [isQuiet, setQuiet] = useState(false);
  const overviewPulse = useThrottled(live.pulse, OVERVIEW_PAUSE_MS);
  const panelsPulse = useThrottled(live.pulse, PANELS_PAUSE_MS);

  // Asked for the period of all time, and to tell a new site from a quiet period.
  const isFirstAsked = view.period === 'all' || isQuiet;
  const first = useQuery(isFirstAsked ? firstDayRequest(site) : null, isQuiet ? overviewPulse : 0);
  const firstDay = first.data && answeredFirstDay(first.data);
  const range = rangeOf(view.period, now.day, first.data && (firstDay ?? now.day));
  const isLive = range === null || range.to >= now.day;
  const overviewTick = isLive ? overviewPulse : 0;

  const { filter } = view;
  const totals = useQuery(
    range && totalsRequest(site, headlineOf(filter), range, filter),
    overviewTick,
  );
  // Page views, or how often an event happened.
  const views = totals.data?.results[0]?.metrics[2] ?? 0;
  useEffect(() => setQuiet(totals.isFresh && views === 0), [totals.isFresh, views]);

  const failed = [first, totals].find((each) => each.error !== null);
  return {
    range,
    totals,
    isNew: isQuiet && first.isFresh && first.data !== null && firstDay === null,
    earliest: isQuiet && view.period !== 'all' && view.filter === null ? firstDay : null,
    failure: failed?.error ? { error: failed.error, retry: failed.retry } : null,
    overviewTick,
    panelsTick: isLive ? panelsPulse : 0,
  };
}

/** A site whose past was imported, say, opens with days that have nothing. */
function Earlier({ first, today }: { first: Day; today: Day }) {
  return (
    <p class="earlier" role="status">
      Nothing was counted in this period. The first day with a count is{' '}
      {rangeText({ from: first, to: first }, today)}:{' '}
      <Link to={{ period: 'all' }}>show all time</Link>.
    </p>
  );
}

function Footnote({ range, site }: { range: Range | null; site: Site }) {
  const isLong = range === null || dayCount(range) > 1;
  return (
    <footer class="footnote">
      {isLong && (
        <p>
          <b>Visitors over several days</b> are the daily visitors, added up. Nothing is kept that
          could tell whether somebody came back on another day, so a visitor of three days counts
          three times here.
        </p>
      )}
      <p>
        Visitors are estimated, usually within 2%. Days are those of {site.timezone}. No cookies, no
        addresses, no profiles: only counts are kept. Places, unless set up otherwise:{' '}
        <a href="https://db-ip.com" rel="noreferrer">
          IP Geolocation by DB-IP
        </a>
        . {keptText(site)}
      </p>
    </footer>
  );
}
