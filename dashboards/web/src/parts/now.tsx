// Who is here now: a number, the last half hour in bars, and the pages.

import { plural } from '../format';
import type { Live } from '../hooks';
import { nameOf } from '../names';

const MINUTES = 30;
const NOW_PAGES = 6;
const BAR_PX = 8;
const GAP_PX = 2;
const HEIGHT_PX = 64;

interface NowProps {
  live: Live;
  /** What is here now is never narrowed. */
  isFiltered: boolean;
}

export function Now({ live, isFiltered }: NowProps) {
  const { now, isConnected } = live;
  return (
    <section class="card now" id="now" aria-labelledby="now-title">
      <header class="panel-head">
        <h2 id="now-title">{isFiltered ? 'Right now, whole site' : 'Right now'}</h2>
        <Connection isConnected={isConnected} />
      </header>
      <p class="now-count" aria-live="polite" aria-atomic="true">
        <b data-live="active">{now ? now.active : '–'}</b>{' '}
        <span>
          {now?.active === 1 ? 'visit in the last 5 minutes' : 'visits in the last 5 minutes'}
        </span>
      </p>
      <MinuteBars minutes={now ? now.minutes : null} />
      {now && now.pages.length > 0 ? (
        <table class="now-pages">
          <caption class="sr-only">Where they are</caption>
          <thead>
            <tr>
              <th scope="col">Page</th>
              <th scope="col">Visits</th>
            </tr>
          </thead>
          <tbody>
            {now.pages.slice(0, NOW_PAGES).map((page) => (
              <tr key={page.path}>
                <th scope="row">
                  <PagePath path={page.path} />
                </th>
                <td>{page.visits}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p class="empty">
          {now
            ? 'Nobody is here at the moment.'
            : isConnected
              ? 'Listening…'
              : 'No connection yet.'}
        </p>
      )}
    </section>
  );
}

function PagePath({ path }: { path: string }) {
  const { text } = nameOf('event:page', path);
  return (
    <bdi class="name" dir="ltr" title={text}>
      {text}
    </bdi>
  );
}

export function Connection({ isConnected }: { isConnected: boolean }) {
  return (
    <span class={`connection${isConnected ? ' on' : ''}`}>
      <span class="dot" aria-hidden="true" />
      {isConnected ? 'Live' : 'Connecting…'}
    </span>
  );
}

function minuteText(ago: number, views: number): string {
  const when = ago === 0 ? 'This minute' : `${ago} min ago`;
  return `${when}: ${plural(views, 'view', 'views')}`;
}

/** Null: not known yet. */
function MinuteBars({ minutes }: { minutes: number[] | null }) {
  const recent = (minutes ?? []).slice(-MINUTES);
  const padded = [...new Array<number>(MINUTES - recent.length).fill(0), ...recent];
  const most = Math.max(4, ...padded);
  const total = padded.reduce((sum, views) => sum + views, 0);
  const words = `${plural(total, 'page view', 'page views')} in the last 30 minutes`;
  const width = MINUTES * (BAR_PX + GAP_PX) - GAP_PX;
  return (
    <figure class="minutes">
      <svg
        viewBox={`0 0 ${width} ${HEIGHT_PX}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words}
      >
        {padded.map((views, at) => {
          const height = views === 0 ? 2 : Math.max(4, (views / most) * HEIGHT_PX);
          const kind = `${views === 0 ? 'none' : 'some'}${at === MINUTES - 1 ? ' running' : ''}`;
          return (
            <rect
              key={at}
              class={kind}
              x={at * (BAR_PX + GAP_PX)}
              y={HEIGHT_PX - height}
              width={BAR_PX}
              height={height}
              rx="1.5"
            >
              <title>{minuteText(MINUTES - 1 - at, views)}</title>
            </rect>
          );
        })}
      </svg>
      <figcaption>
        <span>30 min ago</span>
        <span>{minutes && plural(total, 'view', 'views')}</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
