// All sites with today's numbers; how to add the first one where there is none.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Site } from '../api';
import { addDays, wallClock, type Day } from '../dates';
import { formatShort, plural } from '../format';
import { useClock, useQuery } from '../hooks';
import { seriesRequest } from '../query';
import { Link } from './link';
import { CopyLine, Snippet } from './snippet';
import { TopBar } from './top-bar';

const SPARK_DAYS = 14;
const REFRESH_MS = 20_000;
/** More than these need the search field to be found. */
const CARDS_MAX = 60;
const SEARCH_FROM = 9;

export function SitesPage({ sites, collector }: { sites: Site[]; collector: string | null | undefined }) {
  const [search, setSearch] = useState('');
  const now = useClock();
  useEffect(() => {
    document.title = 'Footfall';
  }, []);
  if (sites.length === 0) return <NoSites collector={collector} />;
  const found = sites.filter((site) => site.site_id.includes(search.trim().toLowerCase()));
  return (
    <>
      <TopBar site={null} sites={sites} />
      <main class="page">
        <div class="sites-head">
          <h1>{plural(sites.length, 'site', 'sites')}</h1>
          {sites.length >= SEARCH_FROM && (
            <input
              type="search"
              class="search"
              placeholder="Find a site"
              aria-label="Find a site"
              value={search}
              onInput={(event) => setSearch(event.currentTarget.value)}
            />
          )}
        </div>
        <ul class="sites">
          {found.slice(0, CARDS_MAX).map((site) => (
            <SiteCard key={site.site_id} site={site} now={now} />
          ))}
        </ul>
        {found.length === 0 && <p class="empty">No site has “{search}” in its name.</p>}
        {found.length > CARDS_MAX && (
          <p class="quiet">
            And {plural(found.length - CARDS_MAX, 'more site', 'more sites')}: search for one.
          </p>
        )}
        <footer class="footnote">
          <p>
            Add a site with <code>footfall site add example.org</code>.
          </p>
        </footer>
      </main>
    </>
  );
}

function NoSites({ collector }: { collector: string | null | undefined }) {
  return (
    <>
      <TopBar site={null} sites={[]} />
      <main class="page">
        <section class="card setup" aria-labelledby="empty-title">
          <h1 id="empty-title">No site yet</h1>
          <p>Add yours in a terminal on this machine:</p>
          <CopyLine label="Command" text="footfall site add example.com" />
          <p>
            Then paste the line that it prints into the <code>&lt;head&gt;</code> of every page. It
            looks like this:
          </p>
          <Snippet site="example.com" collector={collector} />
          <p class="waiting" role="status">
            <span class="pulse" aria-hidden="true" />
            This page moves on by itself once there is a site.
          </p>
        </section>
      </main>
    </>
  );
}

/** True from the moment the element comes near the screen. */
function useSeen(): [{ current: HTMLLIElement | null }, boolean] {
  const element = useRef<HTMLLIElement | null>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (!element.current) return undefined;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, isSeen];
}

function SiteCard({ site, now }: { site: Site; now: Date }) {
  const [element, isSeen] = useSeen();
  const today = wallClock(now, site.timezone).day;
  const from = addDays(today, 1 - SPARK_DAYS);
  const request = seriesRequest(
    site.site_id,
    ['visitors', 'pageviews'],
    { from, to: today },
    'day',
  );
  const tick = Math.floor(now.getTime() / REFRESH_MS);
  const { data, error } = useQuery(isSeen ? request : null, tick);
  const rows = new Map(data?.results.map((row) => [row.dimensions[0]?.slice(0, 10), row.metrics]));
  const days: Day[] = Array.from({ length: SPARK_DAYS }, (_, at) => addDays(from, at));
  const last = rows.get(today);
  return (
    <li class="card site-card" ref={element}>
      <Link class="site-link" to={{ site: site.site_id }}>
        <bdi>{site.site_id}</bdi>
      </Link>
      <p class="site-numbers">
        {error ? (
          <span class="quiet">{error.sentence}</span>
        ) : (
          <>
            <span>
              <b>{data ? formatShort(last?.[0] ?? 0) : '–'}</b>{' '}
              <span class="quiet">visitors today</span>
            </span>
            <span class="quiet">{data ? formatShort(last?.[1] ?? 0) : '–'} views</span>
          </>
        )}
      </p>
      <Spark values={data ? days.map((day) => rows.get(day)?.[0] ?? 0) : []} />
    </li>
  );
}

function Spark({ values }: { values: number[] }) {
  if (values.length === 0) return <div class="spark" />;
  const most = Math.max(1, ...values);
  const points = values.map(
    (value, at) => `${(at / (values.length - 1)) * 100},${29 - (value / most) * 27}`,
  );
  const done = points.slice(0, -1);
  return (
    <svg
      class="spark"
      viewBox="0 0 100 30"
      preserveAspectRatio="none"
      role="img"
      aria-label={`Visitors of the last ${values.length} days`}
    >
      <polygon
        points={`0,30 ${done.join(' ')} ${(done.length - 1) * (100 / (values.length - 1))},30`}
      />
      <polyline points={done.join(' ')} />
      <polyline class="running" points={points.slice(-2).join(' ')} />
    </svg>
  );
}
