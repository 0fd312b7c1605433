// A server that answers like the dashboards' own, from invented numbers: for the browser test of the
// pages, and for looking at them (`node dashboard_fake.mjs BUILD/web [PORT]`). The same day always
// has the same numbers. Each site is a state to look at; see SITES.

import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

export const SITES = {
  'example.com': 'busy',
  'blog.example.org': 'busy',
  'empty.example': 'empty',
  'old.example': 'old',
  'broken.example': 'broken',
  'odd.example': 'odd',
  'slow.example': 'slow',
};

export const COLLECTOR = 'https://count.example.net';

export const XSS = [
  '/<script>document.title="owned"</script>',
  '/<img src=x onerror=document.title="owned">',
  '/"><svg onload=document.title="owned">',
  '/javascript:document.title="owned"',
];

const DAY_MS = 86_400_000;
const HOURS = [
  2, 1, 1, 1, 1, 2, 4, 7, 11, 14, 15, 14, 13, 14, 14, 13, 12, 11, 10, 11, 12, 11, 8, 4,
];
const FIRST_DAY = '2025-03-04';

const VALUES = {
  'event:page': [
    '/',
    '/pricing',
    '/blog/why-we-count-less',
    '/docs',
    '/docs/install',
    '/blog',
    '/about',
    '/blog/release-2-0',
    '/docs/configuration',
    '/contact',
    '/changelog',
    '/docs/api',
    '/privacy',
    '/imprint',
    '/blog/:id',
    '/jobs',
  ],
  'visit:entry_page': [
    '/',
    '/blog/why-we-count-less',
    '/docs',
    '/pricing',
    '/blog/release-2-0',
    '/docs/install',
  ],
  'visit:exit_page': ['/pricing', '/', '/docs/install', '/contact', '/blog/why-we-count-less'],
  'visit:source': [
    'Google',
    'Direct / None',
    'Hacker News',
    'GitHub',
    'DuckDuckGo',
    'Mastodon',
    'Bing',
    'news.example.net',
    'Reddit',
    'ChatGPT',
    'LinkedIn',
  ],
  'visit:referrer': [
    'google.com',
    'news.ycombinator.com',
    'github.com',
    'duckduckgo.com',
    'mastodon.social',
    '(not set)',
  ],
  'visit:channel': ['Organic Search', 'Direct', 'Referral', 'Organic Social', 'AI', 'Email'],
  'visit:utm_campaign': ['spring-sale', 'newsletter-47', '(not set)'],
  'visit:utm_source': ['newsletter', 'mastodon'],
  'visit:utm_medium': ['email', 'social'],
  'visit:utm_content': [],
  'visit:utm_term': [],
  'visit:country': [
    'NL',
    'DE',
    'US',
    'GB',
    'FR',
    'BE',
    'IN',
    'BR',
    'SE',
    'JP',
    'AU',
    'CA',
    '(not set)',
  ],
  'visit:region': [
    'NL-North Holland',
    'NL-ZH',
    'DE-BE',
    'US-California',
    'GB-ENG',
    'NL-UT',
    'FR-IDF',
    '(not set)',
  ],
  'visit:device': ['Desktop', 'Mobile', 'Tablet'],
  'visit:browser': ['Chrome', 'Safari', 'Firefox', 'Edge', 'Samsung Internet', '(other)'],
  'visit:browser_version': ['Chrome 142', 'Safari 26', 'Firefox 145', 'Chrome 141', 'Edge 142'],
  'visit:os': ['Windows', 'iOS', 'macOS', 'Android', 'Linux'],
  'visit:os_version': ['Windows 11', 'iOS 26', 'macOS 26', 'Android 16', 'Windows 10'],
  'visit:screen': ['Desktop', 'Mobile', 'Laptop', 'Tablet'],
  'visit:language': ['en', 'nl', 'de', 'fr', 'pt', 'sv', '(other)'],
  'event:drop_reason': ['bot', 'prefetch', 'foreign_origin'],
  'event:goal': ['signup', 'download', 'Outbound Link: Click', '404'],
};

const ODD_PAGES = [
  ...XSS,
  `/${'a-very-long-path-segment/'.repeat(18)}end`,
  '/' + 'x'.repeat(400),
  '/مقالات/كيف-نعد-الزيارات',
  '/עברית/דף',
  '/\u202Etxt.exe',
  '/日本語/ページ',
  '/emoji/👩‍👩‍👧‍👦',
  '/%00 spaces   kept',
  '//evil.example/path',
  '/half\ud800surrogate',
  '(other)',
  '',
];

/** Each of these is counted together with each other one. */
const CROSSED = [
  'event:page',
  'event:goal',
  'visit:entry_page',
  'visit:source',
  'visit:channel',
  'visit:utm_campaign',
  'visit:country',
  'visit:device',
  'visit:browser',
  'visit:os',
];

function hash(text) {
  let h = 2166136261;
  for (let at = 0; at < text.length; at++) h = Math.imul(h ^ text.charCodeAt(at), 16777619);
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
}

const utc = (day) => Date.parse(`${day}T00:00:00Z`);
const iso = (ms) => new Date(ms).toISOString().slice(0, 10);
const zero = () => ({ visitors: 0, visits: 0, pageviews: 0, bounces: 0, seconds: 0, events: 0 });

function add(sum, part, times = 1) {
  for (const key of Object.keys(sum)) sum[key] += part[key] * times;
  return sum;
}

function hourOf(site, day, hour, now) {
  if (utc(day) + hour * 3_600_000 > now || day < FIRST_DAY) return zero();
  const days = (utc(day) - utc(FIRST_DAY)) / DAY_MS;
  const weekday = new Date(utc(day)).getUTCDay();
  const trend = 0.6 + days / 900 + 0.12 * Math.sin(days / 23);
  const weekend = weekday === 0 || weekday === 6 ? 0.55 : 1;
  const running = now - utc(day) - hour * 3_600_000 < 3_600_000 ? (now / 3_600_000) % 1 : 1;
  const visits = Math.round(
    HOURS[hour] * 2.6 * trend * weekend * running * (0.8 + 0.4 * hash(site + day + hour)),
  );
  return {
    visits,
    visitors: Math.round(visits * 0.86),
    pageviews: Math.round(visits * (2.1 + 0.5 * hash(day + hour))),
    bounces: Math.round(visits * (0.38 + 0.12 * hash(hour + day))),
    seconds: Math.round(visits * (90 + 80 * hash(day))),
    events: Math.round(visits * 0.07),
  };
}

function dayOf(site, day, now) {
  const sum = zero();
  for (let hour = 0; hour < 24; hour++) add(sum, hourOf(site, day, hour, now));
  return sum;
}

function metricOf(name, sum) {
  const per = (a, b) => (b > 0 ? Math.round((a / b) * 100) / 100 : null);
  switch (name) {
    case 'visitors':
    case 'visits':
    case 'pageviews':
    case 'events':
      return Math.round(sum[name]);
    case 'views_per_visit':
      return per(sum.pageviews, sum.visits);
    case 'bounce_rate':
      return sum.visits > 0 ? Math.round((sum.bounces / sum.visits) * 100) : null;
    case 'visit_duration':
      return sum.visits > 0 ? Math.round(sum.seconds / sum.visits) : null;
    case 'time_on_page':
      return sum.pageviews > 0 ? Math.round(sum.seconds / sum.pageviews) : null;
    case 'scroll_depth':
      return 40 + Math.round((sum.pageviews * 7) % 50);
    default:
      return undefined;
  }
}

const bucketOf = { 'time:day': (day) => day, 'time:month': (day) => `${day.slice(0, 7)}-01` };
bucketOf['time:week'] = (day, from) => {
  const monday = iso(utc(day) - ((new Date(utc(day)).getUTCDay() + 6) % 7) * DAY_MS);
  return monday < from ? from : monday;
};

/** One site's counts: the invented ones, and what the test adds by hand. */
class FakeSite {
  constructor(name, kind) {
    this.name = name;
    this.kind = kind;
    this.added = zero();
    this.pages = new Map();
    this.streams = new Set();
  }

  day(day, now) {
    const isNothing = this.kind === 'empty' || (this.kind === 'old' && day > iso(now - 50 * DAY_MS));
    const sum = isNothing ? zero() : dayOf(this.name, day, now);
    return day === iso(now) ? add(sum, this.added) : sum;
  }

  total(from, to, now) {
    const sum = zero();
    for (let ms = utc(from); ms <= utc(to); ms += DAY_MS) add(sum, this.day(iso(ms), now));
    return sum;
  }

  values(dimension) {
    if (this.kind === 'empty') return [...this.pages.keys()];
    if (
      this.kind === 'odd' &&
      ['event:page', 'visit:entry_page', 'event:goal', 'visit:source'].includes(dimension)
    )
      return ODD_PAGES;
    return VALUES[dimension];
  }

  view(path, now) {
    add(this.added, { visitors: 1, visits: 1, pageviews: 1, bounces: 1, seconds: 0, events: 0 });
    this.pages.set(path, (this.pages.get(path) ?? 0) + 1);
    for (const stream of this.streams) this.tell(stream, now);
  }

  tell(stream, now) {
    const minutes = Array.from({ length: 30 }, (_, at) =>
      this.kind === 'empty' ? 0 : Math.round(9 * hash(`${at}${this.name}`) ** 2),
    );
    minutes[29] = this.added.pageviews + (this.kind === 'empty' ? 0 : 3);
    const pages =
      this.kind === 'odd'
        ? ODD_PAGES.slice(0, 6)
        : this.kind === 'empty'
          ? []
          : VALUES['event:page'].slice(0, 4);
    const today = this.day(iso(now), now);
    const body = {
      active: this.added.visits + (this.kind === 'empty' ? 0 : 7),
      minutes,
      pages: [
        ...[...this.pages].map(([path, visits]) => ({ path, visits })),
        ...pages.map((path, at) => ({ path, visits: 4 - Math.min(3, at) })),
      ],
      today: { visitors: today.visitors, visits: today.visits, pageviews: today.pageviews },
    };
    stream.write(`data: ${JSON.stringify(body)}\n\n`);
  }
}

/** What the real server would say no to, in a few words; null for what it answers. */
function refusal({ dimensions = [], filters = [], metrics }) {
  const [asked] = dimensions;
  const filter = filters.find(([, dimension]) => dimension !== asked);
  const all = (...kept) => metrics.every((name) => kept.includes(name));
  if (metrics.includes('visitors') && asked === 'visit:exit_page')
    return 'visitors is not kept for visit:exit_page; visits is.';
  if (!filter) return null;
  if (asked === 'time:hour') return 'Hours are kept for the whole site only.';
  if (!asked || asked.startsWith('time:'))
    return filter[1] !== 'event:goal' || all('visitors', 'visits', 'events')
      ? null
      : 'By event:goal visitors, visits and events are kept.';
  if (asked === 'visit:region' && filter[1] === 'visit:country') return null;
  if (!CROSSED.includes(asked) || !CROSSED.includes(filter[1]))
    return 'These two are not counted together.';
  const isOfGoals = [asked, filter[1]].includes('event:goal');
  return all('visits', ...(isOfGoals ? ['events'] : ['pageviews', 'views_per_visit']))
    ? null
    : 'Of a dimension under a filter on another visits and pageviews are kept.';
}

/** How much of everything a filter leaves. */
function shareOf({ filters = [] }) {
  const filter = filters.find(([op]) => op === 'is');
  return filter ? 0.1 + 0.3 * hash(filter[2][0]) : 1;
}

function rowsOf(site, query, [from, to], now) {
  const dimension = query.dimensions?.[0];
  const share = shareOf(query);
  const row = (sum, dimensions) => ({
    metrics: query.metrics.map((name) => metricOf(name, add(zero(), sum, share))),
    dimensions,
  });
  if (!dimension) return { rows: [row(site.total(from, to, now), [])] };
  if (dimension === 'time:hour') {
    const rows = HOURS.map((_, hour) => {
      const sum = site.kind === 'empty' ? zero() : hourOf(site.name, from, hour, now);
      if (from === iso(now) && hour === new Date(now).getUTCHours()) add(sum, site.added);
      return row(sum, [`${from} ${String(hour).padStart(2, '0')}:00:00`]);
    });
    return {
      rows: rows.filter((each) => each.metrics[0] > 0),
      labels: rows.map((each) => each.dimensions[0]),
    };
  }
  if (bucketOf[dimension]) {
    const sums = new Map();
    for (let ms = utc(from); ms <= utc(to); ms += DAY_MS) {
      const label = bucketOf[dimension](iso(ms), from);
      sums.set(label, add(sums.get(label) ?? zero(), site.day(iso(ms), now)));
    }
    const rows = [...sums].map(([label, sum]) => row(sum, [label]));
    return { rows: rows.filter((each) => each.metrics[0] > 0), labels: [...sums.keys()] };
  }
  const total = site.total(from, to, now);
  const isLeftOut = (value) =>
    query.filters?.some(
      ([op, of, values]) => of === dimension && (op === 'is') !== values.includes(value),
    );
  const values = (site.values(dimension) ?? []).filter((value) => !isLeftOut(value));
  const weights = values.map(
    (value, at) => (0.7 + 0.6 * hash(value + dimension)) / (at + 1) ** 1.1,
  );
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  if (dimension === 'event:goal') total.visitors = total.events * 0.8;
  const rows = values.map((value, at) => row(add(zero(), total, weights[at] / whole), [value]));
  return {
    rows: rows.filter((each) => each.metrics[0] > 0).sort((a, b) => b.metrics[0] - a.metrics[0]),
  };
}

function answer(site, query, now) {
  const all = query.date_range === 'all';
  const range = all ? [FIRST_DAY, iso(now)] : query.date_range;
  const { rows, labels } = rowsOf(site, query, range, now);
  const { limit = 10_000, offset = 0 } = query.pagination ?? {};
  const results = rows.slice(offset, offset + limit);
  const mode = query.include?.comparisons?.mode;
  if (mode) {
    const days = (utc(range[1]) - utc(range[0])) / DAY_MS + 1;
    const back = (mode === 'year_over_year' ? 365 : days) * DAY_MS;
    const before = rowsOf(
      site,
      query,
      range.map((day) => iso(utc(day) - back)),
      now,
    ).rows;
    results.forEach(
      (each, at) => (each.comparison = { metrics: before[at]?.metrics ?? [], change: [] }),
    );
  }
  const meta = { metric_warnings: {} };
  if (query.include?.total_rows) meta.total_rows = rows.length;
  if (query.include?.time_labels && labels) meta.time_labels = labels;
  return { results, meta, query: { ...query, date_range: range } };
}

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
};

/** Starts on loopback. `web` holds the built pages; `sites` maps names to kinds. `now` is fixed when
 *  given. The returned object adds views and says what was asked. */
export async function startFake({ web, sites = SITES, now, port = 0 }) {
  const clock = () => now ?? Date.now();
  const state = new Map(
    Object.entries(sites).map(([name, kind]) => [name, new FakeSite(name, kind)]),
  );
  const fake = { queries: [], isDown: false };

  const json = (res, status, body) => {
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end(JSON.stringify(body));
  };
  const onQuery = (res, body) => {
    const query = JSON.parse(body);
    const site = state.get(query.site_id);
    fake.queries.push(query);
    if (!site) return json(res, 400, { error: `There is no site ${query.site_id}.` });
    if (fake.isDown || site.kind === 'broken')
      return json(res, 503, { error: 'The counts cannot be read right now: Redis is away.' });
    const sentence = refusal(query);
    if (sentence) return json(res, 400, { error: sentence });
    return setTimeout(
      () => json(res, 200, answer(site, query, clock())),
      site.kind === 'slow' ? 60_000 : 5,
    ).unref();
  };
  const onLive = (res, name) => {
    const site = state.get(decodeURIComponent(name));
    if (!site || site.kind === 'broken')
      return json(res, 503, { error: 'The live stream is away.' });
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    site.tell(res, clock());
    site.streams.add(res);
    return res.on('close', () => site.streams.delete(res));
  };
  const onFile = (res, path) => {
    const file = path.startsWith('/assets/') ? path.slice(8) : 'index.html';
    const name = join(web, file);
    if (file.includes('/') || !existsSync(name))
      return json(res, 404, { error: 'There is nothing here.' });
    res.writeHead(200, {
      'content-type': TYPES[file.split('.').pop()],
      'content-security-policy': CSP,
      'x-content-type-options': 'nosniff',
    });
    return res.end(readFileSync(name));
  };

  const server = createServer((req, res) => {
    const path = req.url.split('?')[0];
    if (path === '/api/sites') {
      const list = [...state.keys()].map((site_id) => ({
        site_id,
        timezone: 'UTC',
        preset: state.get(site_id).kind === 'strict' ? 'strict' : 'standard',
      }));
      json(res, 200, { sites: list, collector_url: COLLECTOR });
    } else if (path === '/api/v2/query') {
      let body = '';
      req.on('data', (chunk) => (body += chunk)).on('end', () => onQuery(res, body));
    } else if (path.startsWith('/api/live/')) onLive(res, path.slice('/api/live/'.length));
    else onFile(res, path);
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));

  fake.url = `http://127.0.0.1:${server.address().port}`;
  fake.addView = (name, path) => state.get(name).view(path, clock());
  fake.addSite = (name, kind) => state.set(name, new FakeSite(name, kind));
  fake.stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return fake;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const fake = await startFake({ web: process.argv[2], port: Number(process.argv[3] ?? 0) });
  console.log(fake.url);
  setInterval(() => fake.addView('example.com', '/pricing'), 1500);
}
