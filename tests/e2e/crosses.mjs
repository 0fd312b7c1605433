// Each two dimensions of made-up visits against an oracle of Maps: views and visits of every pair, as
// they come to rest, as the query API tells them under a filter, and while they are open only.
//   node crosses.mjs   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Footfall, UNHURRIED, becomes, inParallel, until } from './harness.mjs';
import { randomFrom } from './logs.mjs';
import { mmdbBytes } from './mmdb.mjs';

const VISITORS = 300;
const CONNECTIONS = 32;
const CROSS_CELLS_MAX = 2000; // docs/limits.md
const US = '\x1f';

/** In the order of the keys' names. The first and the last are what happened, the rest is the visit's. */
const DIMENSIONS = {
  page: 'event:page',
  entry_page: 'visit:entry_page',
  source: 'visit:source',
  channel: 'visit:channel',
  utm_campaign: 'visit:utm_campaign',
  country: 'visit:country',
  device: 'visit:device',
  browser: 'visit:browser',
  os: 'visit:os',
  event: 'event:goal',
};
const NAMES = Object.keys(DIMENSIONS);
const PAIRS = NAMES.flatMap((left, at) => NAMES.slice(at + 1).map((right) => [left, right]));

const AGENTS = [
  ['Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36', 'Desktop', 'Chrome', 'Windows'],
  ['X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0', 'Desktop', 'Firefox', 'Linux'],
  ['iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1', 'Mobile', 'Safari', 'iOS'],
  ['Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36', 'Mobile', 'Chrome', 'Android'],
];
const WAYS = [
  ['', '', 'Direct / None', 'Direct', ''],
  ['', 'https://www.google.com/', 'Google', 'Organic Search', ''],
  ['', 'https://news.example.org/x', 'news.example.org', 'Referral', ''],
  ['?utm_source=newsletter&utm_medium=email&utm_campaign=spring', '', 'newsletter', 'Email', 'spring'],
  ['?utm_source=google&utm_medium=cpc&utm_campaign=autumn', '', 'Google', 'Paid Search', 'autumn'],
];
const COUNTRIES = { 20: 'NL', 21: 'DE', 22: 'BR', 23: '(unknown)' };
const GOALS = ['signup', 'play'];

const folder = mkdtempSync(join(tmpdir(), 'footfall-crosses-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function database() {
  const known = Object.entries(COUNTRIES).filter(([, code]) => code !== '(unknown)');
  const rows = Object.fromEntries(known.map(([first, code]) => [`${first}.0.0.0/8`, { country: { iso_code: code } }]));
  const path = join(folder, 'countries.mmdb');
  writeFileSync(path, mmdbBytes(rows));
  return path;
}

/** Visitors, each with what it brings along and a walk of one to six steps. */
function visitors(random, pages) {
  const pick = (items) => items[Math.floor(items.length * random())];
  return Array.from({ length: VISITORS }, (_, number) => {
    const [userAgent, device, browser, os] = pick(AGENTS);
    const [query, referrer, source, channel, campaign] = pick(WAYS);
    const [first, country] = pick(Object.entries(COUNTRIES));
    const steps = [{ page: pick(pages) }];
    while (random() < 0.7 && steps.length < 6) {
      const page = random() < 0.6 ? pick(pages) : steps.at(-1).page;
      steps.push({ page, ...(random() < 0.4 && { event: pick(GOALS) }) });
    }
    return {
      headers: { 'user-agent': `Mozilla/5.0 (${userAgent}`, 'x-forwarded-for': `${first}.0.${number >> 8}.${number & 255}` },
      query,
      referrer,
      steps,
      attributes: { entry_page: steps[0].page, source, channel, utm_campaign: campaign, country, device, browser, os },
    };
  });
}

/** {cross: {pair: [views or events, visits]}}, and the same by single dimension. */
function oracle(all) {
  const cells = Object.fromEntries([...NAMES, ...PAIRS.map((pair) => pair.join('*'))].map((name) => [name, {}]));
  for (const visitor of all) {
    const met = new Set();
    for (const { page, event } of visitor.steps) {
      const values = { ...visitor.attributes, page, ...(event && { event }) };
      const count = (name, key) => {
        const cell = (cells[name][key] ??= [0, 0]);
        cell[0]++;
        if (!met.has(`${name} ${key}`)) cell[1]++;
        met.add(`${name} ${key}`);
      };
      // An event counts with its name, a page view with everything else.
      for (const [left, right] of PAIRS)
        if (values[left] && values[right] && Boolean(event) === (right === 'event'))
          count(`${left}*${right}`, values[left] + US + values[right]);
      for (const name of NAMES) if (values[name] && Boolean(event) === (name === 'event')) count(name, values[name]);
    }
  }
  return cells;
}

async function send(footfall, site, all) {
  await inParallel(all, CONNECTIONS, async ({ headers, query, referrer, steps }) => {
    for (const [at, { page, event }] of steps.entries()) {
      const fields = { s: site, u: `https://${site}${page}${at === 0 ? query : ''}`, ...(at === 0 && referrer && { r: referrer }) };
      const reply = await footfall.view({ ...fields, ...(event && { n: event }) }, headers);
      assert.ok([202, 204].includes(reply.status), `${reply.status}`);
      assert.ok(!('x-footfall-dropped' in reply.headers));
    }
  });
}

/** It comes back and loads what is at rest. */
async function killAggregator(footfall) {
  process.kill(await until('an aggregator', () => footfall.children().aggregate), 'SIGKILL');
}

/** Each cross's hash, as {pair: [views, visits]}. */
async function crossAtRest(footfall, site, left, right) {
  const cells = {};
  for (const [field, number] of Object.entries(await footfall.stored(site, `${left}*${right}`)))
    (cells[field.slice(1)] ??= [0, 0])[field[0] === 's' ? 1 : 0] = number;
  return cells;
}

const sorted = (cells) => Object.entries(cells).map(([key, cell]) => `${key.replace(US, ' × ')} ${cell}`).sort();

/** Every dimension under each filter, in both directions, and that the rest is nothing. */
async function askAll(footfall, site, cells) {
  let asked = 0;
  for (const pair of PAIRS) {
    for (const [by, filtered] of [pair, [...pair].reverse()]) {
      for (const value of Object.keys(cells[filtered]).slice(0, 3)) {
        const question = {
          site_id: site,
          metrics: ['visits', pair[1] === 'event' ? 'events' : 'pageviews'],
          dimensions: [DIMENSIONS[by]],
          filters: [['is', DIMENSIONS[filtered], [value]], ['is_not', DIMENSIONS[by], ['(not set)']]],
        };
        const expected = {};
        for (const [key, cell] of Object.entries(cells[pair.join('*')])) {
          const [left, right] = key.split(US);
          if ((filtered === pair[0] ? left : right) === value) expected[filtered === pair[0] ? right : left] = cell;
        }
        const ask = async () => {
          const { results, meta } = await footfall.query(question);
          assert.equal(meta.metric_warnings, undefined);
          return sorted(Object.fromEntries(results.map((row) => [row.dimensions[0], [row.metrics[1], row.metrics[0]]])));
        };
        await becomes(`${by} of ${filtered} ${value}`, ask, sorted(expected));
        asked++;
      }
    }
  }
  return asked;
}

const started = (env = {}) =>
  Footfall.start({ FOOTFALL_GEO_DATABASE: database(), ...UNHURRIED, ...env });
const PAGES = ['/', '/a', '/b', '/c/d', '/e f', '/g*h'];

test('every pair at rest and under a filter, whatever the aggregator forgets meanwhile', async () => {
  const site = 'crosses.example';
  const all = visitors(randomFrom(4), PAGES);
  const cells = oracle(all);
  const footfall = await started();
  try {
    await footfall.addSite(site);
    for (let at = 0; at < VISITORS; at += VISITORS / 3) {
      await send(footfall, site, all.slice(at, at + VISITORS / 3));
      await killAggregator(footfall);
    }
    await footfall.settle(30_000);
    for (const [left, right] of PAIRS)
      assert.deepEqual(sorted(await crossAtRest(footfall, site, left, right)), sorted(cells[`${left}*${right}`]), `${left}*${right}`);
    const asked = await askAll(footfall, site, cells);
    console.log(`${PAIRS.length} crosses of ${all.flatMap(({ steps }) => steps).length} views and events, ${asked} questions`);
  } catch (error) {
    console.log(footfall.logs());
    throw error;
  } finally {
    assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
  }
});

test('what is open only is narrowed likewise', async () => {
  const site = 'open.example';
  const all = visitors(randomFrom(5), PAGES).slice(0, 60);
  const cells = oracle(all);
  const footfall = await started({ FOOTFALL_MIX_VIEWS: '10000', FOOTFALL_MIX_SECONDS: '600', FOOTFALL_ACK_WAIT_MS: '1' });
  try {
    await footfall.addSite(site);
    await send(footfall, site, all);
    const views = Object.values(cells.country).reduce((sum, [count]) => sum + count, 0);
    await until('all to show', async () => (await footfall.totals(site)).pageviews === views);
    assert.deepEqual(await crossAtRest(footfall, site, 'page', 'country'), {});
    await askAll(footfall, site, cells);
  } finally {
    assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
  }
});

test('what a day has too many of is in "(other)", exactly', async () => {
  const site = 'many.example';
  const pages = Array.from({ length: 60 }, (_, at) => `/p${String.fromCharCode(97 + at / 26)}${String.fromCharCode(97 + (at % 26))}`);
  const agent = `Mozilla/5.0 (${AGENTS[0][0]}`;
  const footfall = await started();
  try {
    await footfall.addSite(site);
    // Each visitor enters by another page than the one that is crossed with it.
    const walks = pages.slice(0, 40).map((entry, at) => ({
      headers: { 'user-agent': agent, 'x-forwarded-for': `20.9.0.${at}` },
      query: '',
      referrer: '',
      steps: [entry, ...pages].map((page) => ({ page })),
    }));
    // Who comes back must know how many there are.
    await send(footfall, site, walks.slice(0, 30));
    await footfall.settle(30_000);
    await killAggregator(footfall);
    await send(footfall, site, walks.slice(30));
    await footfall.settle(30_000);
    const { '(other)': other, ...kept } = await crossAtRest(footfall, site, 'page', 'entry_page');
    const all = Object.values(kept).reduce((sum, [views]) => sum + views, 0);
    assert.equal(Object.keys(kept).length, CROSS_CELLS_MAX);
    assert.equal(all + other[0], 40 * 61);
    assert.ok(other[0] >= 40 * 60 - CROSS_CELLS_MAX);
    const { results, meta } = await footfall.query({
      site_id: site,
      metrics: ['visits', 'pageviews'],
      dimensions: ['event:page'],
      filters: [['is_not', 'visit:entry_page', ['/nobody']]],
    });
    assert.equal(results.reduce((sum, row) => sum + row.metrics[1], 0), 40 * 61);
    assert.deepEqual(results.find((row) => row.dimensions[0] === '(other)').metrics, [null, other[0]]);
    assert.equal(meta.metric_warnings.pageviews.code, 'pairs_cut');
  } finally {
    assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
  }
});
