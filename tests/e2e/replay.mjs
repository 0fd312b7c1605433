// An access log replayed as beacons, against an independent oracle:
//   node replay.mjs   with FOOTFALL set to the executable
// Page views by page, source, country and browser, visits, bounces, entry and exit pages have to be
// exactly equal, visitors within three percent. Always with an invented log and database; with a real
// log and MaxMind's test databases where FOOTFALL_SHARED_DATA has them; with the real databases of
// FOOTFALL_TEST_GEO_DATABASE where that is set.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Footfall, UNHURRIED, inParallel, until } from './harness.mjs';
import { inventedViews, viewsOfLog } from './logs.mjs';
import { Mmdb, countryOf, mmdbBytes } from './mmdb.mjs';
import { count, visitorOf } from './oracle.mjs';

const SHARED = process.env.FOOTFALL_SHARED_DATA ?? '';
const LOG = join(SHARED, 'access-2015.log');
const CITIES = join(SHARED, 'GeoLite2-City-Test.mmdb');
const REAL = (process.env.FOOTFALL_TEST_GEO_DATABASE ?? '').split(',').filter(Boolean);
const VISITORS_ERROR = 0.03; // six deviations of the sketch's estimate
const VISITORS_TAKEN = 4; // whose register another has, of few
const CONNECTIONS = 64;
const CROSS_CELLS_MAX = 2000; // docs/limits.md

const folder = mkdtempSync(join(tmpdir(), 'footfall-replay-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Every first byte of an address that is routed has a country, or none; some have several. */
function inventedDatabase() {
  const codes = ['NL', 'DE', 'FR', 'US', 'BR', 'JP', null];
  const rows = {};
  const put = (range, code) => code && (rows[range] = { country: { iso_code: code } });
  for (let first = 1; first < 224; first++) {
    if ([10, 100, 127, 169, 172, 192, 198, 203].includes(first)) continue;
    if (first % 10 !== 0) put(`${first}.0.0.0/8`, codes[first % codes.length]);
    else for (let half = 0; half < 2; half++) put(`${first}.${128 * half}.0.0/9`, codes[(first + half) % 6]);
  }
  put('2001:db9:a::/48', 'IS');
  const path = join(folder, 'invented.mmdb');
  writeFileSync(path, mmdbBytes(rows));
  return path;
}

/** Sends each visitor's views one after the other, and many visitors at a time. */
async function send(footfall, site, views, isBotReply) {
  const visitors = new Map();
  for (const view of views) {
    const key = visitorOf(view);
    visitors.set(key, [...(visitors.get(key) ?? []), view]);
  }
  await inParallel(visitors.values(), CONNECTIONS, async (each) => {
    for (const { url, referrer, address, userAgent } of each) {
      const headers = { 'x-forwarded-for': address, 'user-agent': userAgent };
      const reply = await footfall.view({ s: site, u: url, ...(referrer && { r: referrer }) }, headers);
      if (reply.status === 202 && reply.headers['x-footfall-dropped'] === 'bot') isBotReply();
      else assert.equal(reply.status, 204, `${reply.status} for ${url}`);
    }
  });
}

/** Names what differs, and nothing else: the tables are long. */
function same(actual, expected, what) {
  const names = [...new Set([...Object.keys(actual), ...Object.keys(expected)])];
  const wrong = names.filter((name) => actual[name] !== expected[name]);
  const lines = wrong.map((name) => `${name}: ${actual[name]} instead of ${expected[name]}`);
  assert.deepEqual(lines, [], what);
}

function within(actual, expected, share, what) {
  assert.ok(Math.abs(actual - expected) <= share * expected + VISITORS_TAKEN, `${what}: ${actual} instead of ${expected}`);
}

/** Every stored cell of a cross is exact, and "(other)" has exactly the rest, where there are more
 *  than a day keeps. Returns how many are stored. */
async function sameCross(footfall, site, name, expected) {
  const stored = await footfall.stored(site, name);
  const rest = { v: 0, s: 0 };
  let kept = 0;
  for (const [pair, [views, visits]] of Object.entries(expected)) {
    const isKept = `v${pair}` in stored;
    if (isKept) assert.deepEqual([stored[`v${pair}`], stored[`s${pair}`] ?? 0], [views, visits], `${name} ${pair}`);
    else [rest.v, rest.s] = [rest.v + views, rest.s + visits];
    kept += isKept;
  }
  for (const letter of ['v', 's']) assert.equal(stored[`${letter}(other)`] ?? 0, rest[letter], `${name}, ${letter}(other)`);
  assert.equal(Object.keys(stored).filter((field) => field.startsWith('v') && field !== 'v(other)').length, kept, name);
  assert.equal(kept, Math.min(CROSS_CELLS_MAX, Object.keys(expected).length), name);
  return kept;
}

/** The pages of one country, as the query API tells them. */
async function sameUnderFilter(footfall, site, { tables, crosses }) {
  const [country] = Object.entries(tables.country).sort(([, a], [, b]) => b - a)[0];
  const { results } = await footfall.query({
    site_id: site,
    metrics: ['visits', 'pageviews'],
    dimensions: ['event:page'],
    filters: [['is', 'visit:country', [country]]],
    pagination: { limit: 10_000 },
  });
  let all = 0;
  for (const { dimensions, metrics } of results) {
    all += metrics[1];
    const cell = crosses['page*country'][`${dimensions[0]}\x1f${country}`];
    if (dimensions[0] !== '(other)') assert.deepEqual(metrics, [cell[1], cell[0]], dimensions[0]);
  }
  assert.equal(all, tables.country[country], `views from ${country}`);
}

async function replay(site, views, databases, { workers = '2' } = {}) {
  const readers = databases.map((path) => new Mmdb(path));
  const country = (address) => readers.reduce((found, each) => found ?? countryOf(each.find(address)), null);
  const expected = count(views, site, country);
  const footfall = await Footfall.start({
    FOOTFALL_GEO_DATABASE: databases.join(','),
    FOOTFALL_COLLECTOR_WORKERS: workers,
    ...UNHURRIED,
  });
  try {
    await footfall.addSite(site);
    let bots = 0;
    await send(footfall, site, views, () => bots++);
    await footfall.settle();

    assert.equal(bots, expected.bots);
    await until('the drops', async () => (await footfall.stored(site, 'drops')).cbot === expected.bots);
    const totals = await footfall.totals(site);
    assert.equal(totals.pageviews, expected.pageviews);
    assert.equal(totals.visits, expected.visits);
    assert.equal(totals.bounce_rate, Math.round((100 * expected.bounces) / expected.visits));
    assert.equal((await footfall.stored(site, 'total')).b, expected.bounces);
    within(totals.visitors, expected.visits, VISITORS_ERROR, 'visitors');

    const { tables } = expected;
    const rows = {
      page: await footfall.by(site, 'event:page', 'pageviews'),
      source: await footfall.by(site, 'visit:source', 'pageviews'),
      country: await footfall.by(site, 'visit:country', 'pageviews'),
      browser: await footfall.by(site, 'visit:browser', 'pageviews'),
      'page visits': await footfall.by(site, 'event:page', 'visits'),
      'source visits': await footfall.by(site, 'visit:source', 'visits'),
      'country visits': await footfall.by(site, 'visit:country', 'visits'),
      'browser visits': await footfall.by(site, 'visit:browser', 'visits'),
      'entry visits': await footfall.by(site, 'visit:entry_page', 'visits'),
      'exit visits': await footfall.by(site, 'visit:exit_page', 'visits'),
    };
    for (const [name, actual] of Object.entries(rows)) same(actual, tables[name], name);
    const crossed = [];
    for (const [name, cells] of Object.entries(expected.crosses))
      crossed.push(`${await sameCross(footfall, site, name, cells)} of ${Object.keys(cells).length} ${name}`);
    await sameUnderFilter(footfall, site, expected);
    const rates = await footfall.by(site, 'visit:entry_page', 'visits', 'bounce_rate');
    for (const [page, visits] of Object.entries(tables['entry visits']))
      assert.equal(rates[page][1], Math.round((100 * (tables['entry bounces'][page] ?? 0)) / visits), `bounces of ${page}`);
    const many = Object.entries(await footfall.by(site, 'visit:country', 'visitors')).filter(([, n]) => n >= 100);
    for (const [code, visitors] of many) within(visitors, tables['country visits'][code], VISITORS_ERROR, `visitors from ${code}`);
    console.log(`${views.length} lines: ${totals.pageviews} views, ${expected.bots} of bots, ${totals.visits} visits,`,
      `visitors ${((100 * totals.visitors) / totals.visits - 100).toFixed(2)} % off,`,
      Object.entries(tables).map(([name, table]) => `${Object.keys(table).length} ${name}`).join(', '), '·', crossed.join(', '));
  } catch (error) {
    console.log(footfall.logs());
    throw error;
  } finally {
    assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
  }
}

const networks = (path, most) => {
  const all = [];
  for (const address of new Mmdb(path).addresses()) if (all.push(address) === most) break;
  return all;
};

test('an invented log and database', async () => {
  const database = inventedDatabase();
  await replay('invented.example', inventedViews('invented.example', networks(database, 500), 4000), [database]);
});

test('addresses of a database in the GeoIP2 schema', { skip: !existsSync(CITIES) }, async () => {
  await replay('cities.example', inventedViews('cities.example', networks(CITIES, 500), 1000), [CITIES]);
});

test('a real log', { skip: !existsSync(LOG) }, async () => {
  const views = viewsOfLog(readFileSync(LOG, 'utf8'), 'semicomplete.com');
  assert.ok(views.length > 9000);
  await replay('semicomplete.com', views, REAL.length > 0 ? REAL : [inventedDatabase()]);
});
