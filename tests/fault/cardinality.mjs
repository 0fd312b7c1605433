// Beacons whose every field is made up: pages, hosts, tags, events, properties, languages, browsers,
// visitors, and sites that nobody has. Memory does not grow, no table is longer than its cap, what is
// over it stands exactly under "(other)", and good traffic is served and told as ever.
//   node cardinality.mjs [--beacons N] [--visitors N]   with FOOTFALL set to the executable; SEED
// Prints one line of JSON, and ends with 1 where a promise is not kept.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { parseArgs } from 'node:util';
import { Footfall, countsOf, pause } from '../e2e/harness.mjs';
import { randomFrom } from '../e2e/logs.mjs';
import { Traffic, figures, memoryMb, redisMb } from './watch.mjs';

const { values } = parseArgs({ options: { beacons: { type: 'string' }, visitors: { type: 'string' } } });
const BEACONS = Number(values.beacons ?? 1_000_000);
const VISITORS = Number(values.visitors ?? BEACONS);
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const SITES = ['one.example', 'two.example', 'three.example'];
const GOOD = 'good.example';
const GOOD_RATE = 50;
const WARM_S = 3;
const CALM_S = 5;
const CONNECTIONS = 256;
const AT_ONCE = 4; // requests that are written together on one connection, and answered one by one
const PAGES = 400_000; // that may be made up
const UNKNOWN_SHARE = 0.1; // beacons of sites that nobody has
const EVENT_SHARE = 0.2;
const SAMPLES = 20; // of memory, over the run
const MIDDLE = SAMPLES / 2 - 1; // what comes behind it has to be flat
const GROWTH = 1.1;
const GROWTH_MB = 24;
const OTHER = '(other)';
const random = randomFrom(SEED);
const below = (most) => Math.floor(random() * most);

const source = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
/** User-Agents that a worker parses a second. */
const AGENT_BUDGET = Number(source('common/limits.h').match(/AGENT_COLD_PER_S_MAX (\d+)/)[1]);
const WORKERS = 2;
/** Cells of two tables against each other. */
const CROSS_CELLS = Number(source('common/limits.h').match(/CROSS_CELLS_MAX (\d+)/)[1]);
/** Distinct values a day by table. */
const CAPS = Object.fromEntries(
  [...source('aggregator/model.h').matchAll(/X\([A-Z_]+, "([a-z_]+)", (\d+), VI/g)].map(
    ([, name, cap]) => [name, Number(cap)],
  ),
);

/** A number in letters: no segment of a path that looks like an identifier. */
function word(number) {
  let text = '';
  for (let rest = number + 1; rest > 0; rest = Math.floor(rest / 21)) text += 'bcdfghjklmnpqrstvwxyz'[rest % 21];
  return text;
}

/** {bytes, site, page, event}: what is sent, and what it should count as. */
function madeUp() {
  const visitor = below(VISITORS);
  const unknown = random() < UNKNOWN_SHARE;
  const site = unknown ? `${word(below(1e9))}.example` : SITES[below(SITES.length)];
  const page = below(PAGES);
  const event = random() < EVENT_SHARE;
  const any = () => word(below(1e9));
  const host = unknown ? SITES[0] : site;
  const tags = ['source', 'medium', 'campaign', 'content', 'term'].map((name) => `utm_${name}%3D${any()}`).join('%26');
  let body = `s=${site}&u=http://${host}/p/${word(page)}%3F${tags}&r=http://${any()}.example/&w=${below(4000)}`;
  if (event) body += `&n=${any()}&p={"${any()}":"${any()}"}`;
  const agent = `Mozilla/5.0 (X11; Linux x86_64; ${word(visitor)}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${visitor % 300}.0.0.0 Safari/537.36`;
  const address = `${11 + (visitor % 80)}.${(visitor >> 16) & 255}.${(visitor >> 8) & 255}.${visitor & 255}`;
  const language = String.fromCharCode(97 + below(26), 97 + below(26));
  const head =
    `POST /b HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nUser-Agent: ${agent}\r\nX-Forwarded-For: ${address}\r\n` +
    `Accept-Language: ${language}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return { bytes: head + body, site: unknown ? null : site, page, event };
}

/** What was answered 204 or 202, as a plain count: {site: {pageviews, events, pages}}. */
const oracle = Object.fromEntries(SITES.map((site) => [site, { pageviews: 0, events: 0, pages: new Uint32Array(PAGES) }]));
const answers = {};

function note(sent, status, headers) {
  // A made-up browser may by chance look like a bot.
  if (/x-footfall-dropped: bot/.test(headers)) return (answers.dropped = (answers.dropped ?? 0) + 1);
  answers[status] = (answers[status] ?? 0) + 1;
  if (sent.site === null) return assert.equal(status, '404');
  assert.ok(['204', '202'].includes(status), status);
  const counts = oracle[sent.site];
  if (sent.event) counts.events++;
  else {
    counts.pageviews++;
    counts.pages[sent.page]++;
  }
}

/** One connection that sends `count` beacons, a few at a time. */
function attack(port, count) {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1');
    let left = count;
    let waiting = [];
    let text = '';
    const next = () => {
      if (left === 0) return socket.end(resolve);
      waiting = Array.from({ length: Math.min(left, AT_ONCE) }, madeUp);
      left -= waiting.length;
      socket.write(waiting.map((each) => each.bytes).join(''), 'latin1');
    };
    socket.on('connect', next).on('error', reject);
    socket.on('close', () => reject(new Error('a connection was closed')));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      let end = 0;
      for (const match of text.matchAll(/HTTP\/1\.1 (\d{3}) ([^]*?)\r\n\r\n/g)) {
        note(waiting.shift(), match[1], match[2]);
        end = match.index + match[0].length;
      }
      text = text.slice(end); // a head may come in two
      if (waiting.length === 0) next();
    });
  });
}

async function sample(footfall) {
  return { collect: await memoryMb(footfall, 'collect'), aggregate: await memoryMb(footfall, 'aggregate'), redis: await redisMb(footfall) };
}

/** The attack in parts, and memory after each. The first half is applied before the second begins. */
async function run(footfall) {
  const samples = [];
  for (let at = 0; at < SAMPLES; at++) {
    const each = Math.ceil(BEACONS / SAMPLES / CONNECTIONS);
    await Promise.all(Array.from({ length: CONNECTIONS }, () => attack(footfall.collector, each)));
    if (at === MIDDLE) await footfall.catchUp();
    samples.push(await sample(footfall));
  }
  return samples;
}

/** Distinct values and sums of a hash at rest: {values, v: {value: number}, c: …}. */
function read(table, hash) {
  const values = new Set();
  const sums = {};
  for (const [field, number] of countsOf(table, hash)) {
    if (field[0] === '@') continue;
    values.add(field.slice(1));
    (sums[field[0]] ??= {})[field.slice(1)] = number;
  }
  return { values, ...sums };
}

const total = (sums) => Object.values(sums ?? {}).reduce((sum, number) => sum + number, 0);

/** A site's live hashes, by table. */
async function readSite(footfall, site) {
  const keys = (await footfall.redis().keys()).filter((key) => key.startsWith(`ff:{0}:${site}:live:`));
  const tableOf = (key) => key.slice(key.lastIndexOf(':') + 1);
  const found = await Promise.all(keys.map(async (key) => [tableOf(key), read(tableOf(key), await footfall.redis().hash(key))]));
  return Object.fromEntries(found);
}

/** Two tables against each other: cells under the cap, and all views or events in them or in the rest. */
function checkCross(what, cross, found, { pageviews, events }) {
  assert.ok(found.values.size <= CROSS_CELLS + 1, `${what}: ${found.values.size} cells`);
  const [sum, whole] = cross.endsWith('*event') ? [total(found.c), events] : [total(found.v), pageviews];
  // A view need not come from a campaign.
  if (cross.includes('utm_campaign')) assert.ok(sum <= whole, `${what}: ${sum} of ${whole}`);
  else assert.equal(sum, whole, what);
}

/** Checks every live hash of a site; gives how many values each has. */
async function checkSite(footfall, site) {
  const { pageviews, events } = oracle[site];
  const tables = await readSite(footfall, site);
  for (const [table, found] of Object.entries(tables)) {
    const what = `${site}, ${table}`;
    if (table.includes('*')) {
      checkCross(what, table, found, oracle[site]);
      continue;
    }
    assert.ok(found.values.size <= CAPS[table] + 1, `${what}: ${found.values.size} values`);
    if (table === 'exit_page') assert.equal(total(found.s), total(tables.total.s), what);
    else assert.equal(total(found.c), events, `${what}: events`);
    if (!['exit_page', 'event', 'prop'].includes(table)) assert.equal(total(found.v), pageviews, `${what}: views`);
  }
  checkPages(site, tables.page.v);
  return Object.fromEntries(Object.entries(tables).map(([table, found]) => [table, found.values.size]));
}

/** Each page that has a row has all of its views there; what has none is all of "(other)". */
function checkPages(site, views) {
  const { pages } = oracle[site];
  const rows = new Map(Object.entries(views));
  let other = 0;
  let wrong = 0;
  for (let page = 0; page < PAGES; page++) {
    const stored = rows.get(`/p/${word(page)}`);
    if (stored === undefined) other += pages[page];
    else wrong += stored !== pages[page];
  }
  assert.equal(wrong, 0, `${site}: ${wrong} pages have wrong counts`);
  assert.equal(rows.get(OTHER) ?? 0, other, `${site}: (other)`);
}

const footfall = await Footfall.start({ FOOTFALL_COLLECTOR_WORKERS: String(WORKERS) });
let traffic;
try {
  for (const site of [...SITES, GOOD]) await footfall.addSite(site);
  traffic = new Traffic(footfall.collector, GOOD, GOOD_RATE);
  await pause(WARM_S * 1000);
  await traffic.stretch();
  await pause(CALM_S * 1000);
  const before = await traffic.stretch();
  const first = await sample(footfall);
  const sinceMs = performance.now();
  const samples = await run(footfall);
  const seconds = Number(((performance.now() - sinceMs) / 1000).toFixed(1));
  const good = await traffic.stretch();
  await traffic.stop();
  await footfall.settle(60_000);
  const last = await sample(footfall);
  const middle = samples[MIDDLE];
  const lengths = Object.fromEntries(await Promise.all(SITES.map(async (site) => [site, await checkSite(footfall, site)])));
  const told = await figures(footfall, 'collect');
  const agents = Object.fromEntries(['known', 'parsed', 'over_budget'].map((how) => [how, told[`footfall_collector_user_agents_total{how="${how}"}`]]));
  const browsers = await footfall.by(GOOD, 'visit:browser', 'pageviews');
  console.log(JSON.stringify({ seed: SEED, beacons: BEACONS, seconds, answers, memory_mb: { first, middle, last, samples }, good: { before, during: good }, agents, browsers, values: lengths[SITES[0]] }));

  for (const [what, mb] of Object.entries(middle)) {
    const most = Math.max(...samples.slice(MIDDLE + 1).map((each) => each[what]));
    assert.ok(most <= mb * GROWTH + GROWTH_MB, `${what} grows: ${mb} MB in the middle, ${most} MB later`);
  }
  assert.equal(good.failed, 0);
  assert.deepEqual(Object.keys(browsers), ['Chrome'], 'a known browser is told whatever others send');
  assert.ok(agents.parsed <= AGENT_BUDGET * WORKERS * (seconds + CALM_S), `${agents.parsed} User-Agents were parsed`);
} finally {
  await footfall.stop();
}
