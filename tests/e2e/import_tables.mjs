// Other tools' exports imported, against an oracle that counts the same records by itself:
//   node import_tables.mjs   with FOOTFALL set to the executable
// Hits as GoatCounter exports them, and daily sums as Plausible does, by day and table, exactly once
// however often a file comes, whatever it is packed in, wherever it is killed and however it grows.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { csvLine } from './csv.mjs';
import { Footfall, countsOf } from './harness.mjs';
import { randomFrom } from './logs.mjs';

const TIMEZONE = 'Europe/Amsterdam'; // its clocks change in the middle of the hits
const HEAD = ['2Path', 'Title', 'Event', 'UserAgent', 'Browser', 'System', 'Session', 'Bot', 'Referrer', 'Referrer scheme', 'Screen size', 'Location', 'FirstVisit', 'Date'];
const BROWSERS = [['Chrome 119.0', 'Chrome', 'Chrome 119'], ['Firefox 121.0', 'Firefox', 'Firefox 121'], ['', '(other)', '(other)']];
const SYSTEMS = [['Windows 10', 'Windows', 'Windows 10'], ['Linux', 'Linux', 'Linux']];
const WAYS = [['', '', 'Direct / None'], ['www.google.com', 'h', 'Google'], ['https://news.example.org/x?id=7', 'h', 'news.example.org'], ['Hacker News', 'g', 'Hacker News']];
const PLACES = [['NL', 'NL', '(unknown)'], ['US-TX', 'US', 'US-TX'], ['', '(unknown)', '(unknown)']];
const SESSIONS = 1500;
const HITS_FROM = Date.parse('2024-10-25T20:00:00Z');

const folder = mkdtempSync(join(tmpdir(), 'footfall-tables-'));
let footfall;
let siteNumber = 0;

before(async () => {
  footfall = await Footfall.start();
});

after(async () => {
  const how = await footfall.stop();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(how, { code: 0, signal: null });
});

function newSite() {
  const site = `site${++siteNumber}.example`;
  const added = footfall.command('site', 'add', site, '--data', footfall.data, '--timezone', TIMEZONE);
  assert.equal(added.code, 0, added.error);
  return site;
}

function write(name, content) {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const importTable = (site, format, ...paths) => footfall.command('import', '--data', footfall.data, '--site', site, '--format', format, ...paths);

function importWell(site, format, ...paths) {
  const run = importTable(site, format, ...paths);
  assert.equal(run.code, 0, run.error);
  return run.out;
}

/** {date: {table: {field: number}}} at rest, without zeros. */
async function stored(site) {
  const days = {};
  for (const key of await footfall.redis().keys()) {
    const [, date, table] = key.match(new RegExp(`^ff:\\{0\\}:${site}:live:(\\d{8}):(.*)$`)) ?? [];
    if (!date) continue;
    const hash = await footfall.redis().hash(key);
    (days[date] ??= {})[table] = Object.fromEntries(countsOf(table, hash).filter(([field, number]) => field[0] !== '@' && number !== 0));
  }
  return days;
}

/** Hits in the order of time, sessions interleaved; some of bots, some events. */
function inventHits(sessions) {
  const random = randomFrom(5);
  const pick = (items) => items[Math.floor(items.length * random())];
  const hits = [];
  for (let session = 0; session < sessions; session++) {
    const [browser, system, way, place] = [pick(BROWSERS), pick(SYSTEMS), pick(WAYS), pick(PLACES)];
    const isBot = random() < 0.05;
    const seen = new Set();
    let at = HITS_FROM + Math.floor(random() * 4 * 86_400_000);
    for (let step = Math.floor(random() * 5); step >= 0; step--) {
      const isEvent = seen.size > 0 && random() < 0.1;
      const path = isEvent ? 'play' : `/page/${Math.floor(random() * 12)}`;
      hits.push({ session: `01a0-${session}`, path, isEvent, isBot, isFirst: !seen.has(path), at, browser, system, place, way: seen.size === 0 ? way : WAYS[0] });
      seen.add(path);
      at += 1000 * Math.floor(random() * random() * 3000);
    }
  }
  return hits.sort((a, b) => a.at - b.at);
}

const stampOf = (at) => new Date(at).toISOString().replace('.000', '');
const recordOf = (hit) =>
  csvLine([hit.path, 'A "title"', `${hit.isEvent}`, '', hit.browser[0], hit.system[0], hit.session, hit.isBot ? '3' : '0', hit.way[0], hit.way[1], '1440,900,2', hit.place[0], `${hit.isFirst}`, stampOf(hit.at)]);

const local = new Intl.DateTimeFormat('en-CA', { timeZone: TIMEZONE, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', hourCycle: 'h23' });

/** The same as `stored` would give, but for visitors. */
function countHits(hits) {
  const days = {};
  const visits = new Map();
  for (const hit of hits) {
    if (hit.isBot) continue;
    const part = Object.fromEntries(local.formatToParts(new Date(hit.at)).map(({ type, value }) => [type, value]));
    const day = (days[part.year + part.month + part.day] ??= {});
    const add = (table, field, number) => {
      const row = (day[table] ??= {});
      row[field] = (row[field] ?? 0) + number;
    };
    if (hit.isEvent) {
      add('event', 'cplay', 1);
      add('event', 'splay', hit.isFirst ? 1 : 0);
      add('total', 'c', 1);
      continue;
    }
    const key = `${hit.session} ${part.year}${part.month}${part.day}`;
    const visit = visits.get(key);
    const seconds = visit && (hit.at - visit.last) / 1000;
    const change = visit ? { v: 1, b: visit.views === 1 ? -1 : 0, d: seconds <= 1800 ? seconds : 0 } : { v: 1, s: 1, b: 1 };
    const first = visit ?? { source: hit.way[2], entry: hit.path, views: 0 };
    const values = {
      total: '', time: part.hour, source: first.source, entry_page: first.entry, country: hit.place[1], region: hit.place[2],
      browser: hit.browser[1], browser_version: hit.browser[2], os: hit.system[1], os_version: hit.system[2], screen: 'Desktop',
    };
    for (const [table, value] of Object.entries(values))
      for (const [letter, number] of Object.entries(change)) add(table, letter + value, number);
    add('page', `v${hit.path}`, 1);
    add('page', `s${hit.path}`, hit.isFirst ? 1 : 0);
    add('exit_page', `s${hit.path}`, 1);
    if (visit) add('exit_page', `s${visit.exit}`, -1);
    visits.set(key, { ...first, views: first.views + 1, last: hit.at, exit: hit.path });
  }
  return days;
}

async function assertHits(site, hits) {
  await footfall.settle();
  const [expected, actual] = [countHits(hits), await stored(site)];
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort());
  for (const [date, tables] of Object.entries(expected)) {
    for (const [table, fields] of Object.entries(tables)) {
      const counted = Object.fromEntries(Object.entries(actual[date][table]).filter(([field]) => field[0] !== 'u'));
      assert.deepEqual(counted, Object.fromEntries(Object.entries(fields).filter(([, number]) => number !== 0)), `${table} of ${date}`);
    }
    const { s, u } = actual[date].total; // each visit of a day is a visitor of it
    assert.ok(Math.abs(s - u) <= Math.max(1, 0.02 * s), `${u} visitors of ${s}`);
  }
}

const textOf = (hits) => csvLine(HEAD) + hits.map(recordOf).join('');

test('hits, once and again, packed and grown', async () => {
  const hits = inventHits(SESSIONS);
  const site = newSite();
  const half = hits.slice(0, hits.length >> 1);
  const path = write('hits.csv', textOf(half));
  assert.match(importWell(site, 'goatcounter', path), /^hits\.csv: \d+ records from 2024-10-2\d to 2024-10-\d\d\.\n {2}Left out: \d+ hits of crawlers and tools\.\n$/);
  await assertHits(site, half);
  assert.match(importWell(site, 'goatcounter', path), /nothing is new/);
  await assertHits(site, half);
  assert.match(importWell(site, 'goatcounter', write('all.csv.gz', gzipSync(textOf(hits)))), new RegExp(`${half.length} records before them were imported earlier`));
  await assertHits(site, hits);
  assert.match(importWell(site, 'goatcounter', write('again.csv', textOf(hits))), /nothing is new/);
  await assertHits(site, hits);
  const changed = importTable(site, 'goatcounter', write('changed.csv', textOf(hits).replace(/"2024-10-2(\d)T(.*)Z"\n(?![^]*\n"\/page[^]*\n)/, '"2024-10-26T$2Z"\n').slice(0, -30) + '"2024-10-26T00:00:00Z"\n'));
  assert.equal(changed.code, 1);
  assert.match(changed.error, /begins like a file that was imported and then differs/);
  await assertHits(site, hits);
});

/** Gives a text to a process; signals it when it has taken all before `at` but what a pipe holds. */
async function feed(child, text, at, signal) {
  child.stdin.on('error', () => {}); // it was killed
  await new Promise((resolve) => child.stdin.write(text.slice(0, at), resolve));
  child.kill(signal);
  child.stdin.end(text.slice(at));
}

test('stopped and killed at many places, and repeated', async () => {
  const STOPS = 9;
  const hits = inventHits(15_000);
  const text = textOf(hits);
  const site = newSite();
  let said = '';
  for (let i = 1; i <= STOPS; i++) {
    const child = footfall.spawnCommand('import', '--data', footfall.data, '--site', site, '--format', 'goatcounter', '-');
    const ended = once(child, 'close');
    child.stderr.on('data', (chunk) => (said += chunk));
    await feed(child, text, Math.floor((text.length * i) / (STOPS + 1)), i % 3 === 0 ? 'SIGKILL' : 'SIGINT');
    await ended;
  }
  const places = new Set([...said.matchAll(/stopped after record (\d+)/g)].map(([, record]) => Number(record)).filter((record) => record > 0));
  console.log(`stopped after records ${[...places].join(', ')}`);
  assert.ok(places.size >= 2, said);
  assert.match(importWell(site, 'goatcounter', write('whole.csv', text)), /were imported earlier/);
  await assertHits(site, hits);
});

/** Sums of some pages for each of many days. */
function inventSums(dayCount) {
  const rows = [];
  for (let day = 0; day < dayCount; day++) {
    const date = new Date(Date.UTC(2021, 0, 1 + day)).toISOString().slice(0, 10);
    for (let page = 0; page < 40; page++) rows.push({ date, page: `/p/${page}`, visits: page + 2, visitors: page + 1 + 10 * (day % 30), pageviews: 3 * page + day });
  }
  return rows;
}

const sumsText = (rows) => csvLine(['date', 'hostname', 'page', 'visits', 'visitors', 'pageviews']) + rows.map(({ date, page, visits, visitors, pageviews }) => csvLine([date, 'old.example', page, visits, visitors, pageviews])).join('');

async function assertSums(site, rows) {
  await footfall.settle();
  const expected = {};
  for (const { date, page, visits, visitors, pageviews } of rows)
    Object.assign(((expected[date.replaceAll('-', '')] ??= { page: {} }).page), { [`s${page}`]: visits, [`u${page}`]: visitors, ...(pageviews && { [`v${page}`]: pageviews }) });
  const actual = await stored(site);
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort());
  for (const [date, { page }] of Object.entries(expected)) {
    assert.deepEqual(Object.keys(actual[date].page).sort(), Object.keys(page).sort());
    for (const [field, number] of Object.entries(page)) {
      const allowed = field[0] === 'u' ? Math.ceil(number / 200) : 0;
      assert.ok(Math.abs(actual[date].page[field] - number) <= allowed, `${field} of ${date}: ${actual[date].page[field]}, not ${number}`);
    }
  }
}

test('sums of years, once and again', async () => {
  const site = newSite();
  const rows = inventSums(400);
  mkdirSync(join(folder, 'sums'));
  write('sums/imported_pages_20210101_20220204.csv', sumsText(rows));
  write('sums/notes.csv', 'not of the family');
  importWell(site, 'plausible', join(folder, 'sums'));
  await assertSums(site, rows);
  assert.match(importWell(site, 'plausible', join(folder, 'sums')), /nothing is new; all of its 16000 records/);
  await assertSums(site, rows);
});

test('sums come to what is there already', async () => {
  const site = newSite();
  importWell(site, 'plausible', write('imported_visitors_1.csv', csvLine(['date', 'visitors', 'pageviews']) + csvLine(['2023-05-01', 500, 700])));
  importWell(site, 'plausible', write('imported_visitors_2.csv', csvLine(['date', 'visitors', 'pageviews']) + csvLine(['2023-05-01', 300, 400])));
  await footfall.settle();
  const { total } = (await stored(site))['20230501'];
  assert.equal(total.v, 1100);
  assert.ok(Math.abs(total.u - 800) <= 25, `${total.u} visitors of 800`);
});

test('what is no export is told, and counts nothing', async () => {
  const site = newSite();
  const complains = (format, path, words) => {
    const run = importTable(site, format, path);
    assert.equal(run.code, 1);
    assert.match(run.error, words);
  };
  complains('goatcounter', write('imported_pages.csv', sumsText([])), /does not name the columns/);
  complains('plausible', write('pages.csv', sumsText([])), /its name is none of the family's/);
  complains('plausible', write('imported_devices.csv', ''), /there is nothing in it/);
  complains('plausible', write('imported_browsers.csv', `"date","browser","visits"\n"2024-01-01","${'x'.repeat(70_000)}\n`), /a record of it does not end/);
  mkdirSync(join(folder, 'empty'));
  complains('plausible', join(folder, 'empty'), /no files of the family/);
  const rows = [['2024-01-01', 'Desktop', 1], ['2094-01-01', 'Desktop', 1], ['1990-01-01', 'Desktop', 1], ['x', 'Desktop', 1], ['2024-01-01', 'Desktop', 0]];
  const out = importWell(site, 'plausible', write('imported_devices_1.csv', csvLine(['date', 'device', 'visits']) + rows.map(csvLine).join('')));
  assert.match(out, /^imported_devices_1\.csv: 1 records from 2024-01-01 to 2024-01-01\.\n {2}Left out: 2 records that are not in the format\.\n {2}Left out: 1 records dated in the future\.\n {2}Left out: 1 records without/);
  await footfall.settle();
  assert.deepEqual(await stored(site), { 20240101: { device: { sDesktop: 1 }, ...(await stored(site))['20240101'].total && { total: {} } } });
});
