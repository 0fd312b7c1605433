// Access logs imported, against an independent oracle:
//   node import.mjs   with FOOTFALL set to the executable
// By day, page views, visits, bounces and seconds, and their pages, entry and exit pages, sources,
// countries and browsers have to be exactly equal, however often a log comes, whatever it is packed
// in, wherever an import is killed, and however it has grown in between. Always with an invented log;
// with a real one where FOOTFALL_SHARED_DATA has it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Footfall, countsOf, pause } from './harness.mjs';
import { caddyLog, inventedLog, timeOf, vhostLog, zstdFrame } from './import_logs.mjs';
import { randomFrom } from './logs.mjs';
import { Mmdb, countryOf, mmdbBytes } from './mmdb.mjs';
import { countLog, requestOf } from './log_oracle.mjs';

const LOG = join(process.env.FOOTFALL_SHARED_DATA ?? '', 'access-2015.log');
const TABLES = ['total', 'page', 'entry_page', 'exit_page', 'source', 'country', 'browser'];
const TIMEZONE = 'Europe/Amsterdam'; // its clocks change in the middle of the invented log
const VISITORS_ERROR = 0.02;
const LINES = 50_000;

const folder = mkdtempSync(join(tmpdir(), 'footfall-import-'));
const database = join(folder, 'invented.mmdb');
const rows = Object.fromEntries(Array.from({ length: 80 }, (_, at) => [`${20 + at}.0.0.0/8`, { country: { iso_code: ['NL', 'DE', 'FR'][at % 3] } }]));
const pool = Object.keys(rows).flatMap((range) => [range.replace('0.0.0/8', '1.2.3'), range.replace('0.0.0/8', '99.0.7')]);
let footfall, country, lines;
let siteNumber = 0;

before(async () => {
  writeFileSync(database, mmdbBytes(rows));
  const reader = new Mmdb(database);
  country = (address) => countryOf(reader.find(address));
  lines = inventedLog('site.example', pool, LINES);
  footfall = await Footfall.start({ FOOTFALL_GEO_DATABASE: database });
});

after(async () => {
  const how = await footfall.stop();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(how, { code: 0, signal: null });
});

async function newSite() {
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

const textOf = (list) => list.map((line) => `${line}\n`).join('');

function importLog(site, ...words) {
  const run = footfall.command('import', '--data', footfall.data, '--site', site, ...words);
  assert.equal(run.code, 0, run.error);
  return run.out;
}

/** All that is stored of a site, by date: tables of fields as the oracle has them. */
async function stored(site) {
  const days = {};
  for (const key of await footfall.redis().keys()) {
    const [, date, table] = key.match(new RegExp(`^ff:\\{0\\}:${site}:(?:live:)?(?:drops:)?(\\d{8}):?(.*)$`)) ?? [];
    if (!date) continue;
    const hash = await footfall.redis().hash(key);
    (days[date] ??= {})[table || 'drops'] = Object.fromEntries(countsOf(table, hash));
  }
  return days;
}

const withoutZeros = (fields = {}) => Object.fromEntries(Object.entries(fields).filter(([field, number]) => number !== 0 && /^[vsbdc]/.test(field)));

async function assertCounted(site, list) {
  await footfall.settle();
  const expected = countLog(list, site, TIMEZONE, country);
  const actual = await stored(site);
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort());
  for (const [date, tables] of Object.entries(expected)) {
    for (const table of [...TABLES, 'drops'])
      assert.deepEqual(withoutZeros(actual[date][table]), withoutZeros(tables[table]), `${table} of ${date}`);
    if (!tables.visitors) continue;
    const visitors = actual[date].total.u;
    const allowed = Math.max(1, VISITORS_ERROR * tables.visitors);
    assert.ok(Math.abs(visitors - tables.visitors) <= allowed, `${visitors} visitors of ${tables.visitors} on ${date}`);
  }
  return expected;
}

async function photographSite(site) {
  const { keys } = await footfall.photograph();
  // A key's expiry may move with each run; what it holds may not.
  return Object.fromEntries(Object.entries(keys).filter(([key]) => key.includes(`:${site}:`)).map(([key, value]) => [key, value.split(' until ')[0]]));
}

test('an invented log, once and again', async () => {
  const site = await newSite();
  const path = write('once.log', textOf(lines));
  assert.match(importLog(site, path), /page views from 2019-10-2\d to 2019-1\d-\d\d in 50,000 lines \(combined\)/);
  const expected = await assertCounted(site, lines);
  const days = Object.values(expected);
  console.log(`${days.length} days, ${days.reduce((sum, day) => sum + day.total.v, 0)} views, ${days.reduce((sum, day) => sum + day.total.s, 0)} visits`);
  assert.ok(days.length >= 4 && days.every((day) => day.total.v > 500 && day.total.v > 1.2 * day.total.s));
  const before = await photographSite(site);
  for (let i = 0; i < 2; i++) assert.match(importLog(site, path), /nothing is new; all of its 50,000 lines/);
  await footfall.settle();
  assert.deepEqual(await photographSite(site), before);
});

test('a real log', { skip: !existsSync(LOG) }, async () => {
  const site = await newSite();
  const real = readFileSync(LOG, 'latin1').split('\n').slice(0, -1);
  importLog(site, LOG);
  const before = await assertCounted(site, real);
  assert.equal(Object.keys(before).length, 4);
  importLog(site, LOG);
  await assertCounted(site, real);
});

test('packed logs and standard input are the same log', async () => {
  const text = Buffer.from(textOf(lines.slice(0, 20_000)));
  const half = text.length >> 1;
  const site = await newSite();
  importLog(site, write('two.gz', Buffer.concat([gzipSync(text.subarray(0, half)), gzipSync(text.subarray(half)), Buffer.alloc(512)])));
  await assertCounted(site, lines.slice(0, 20_000));
  assert.match(importLog(site, write('named.log', zstdFrame(text))), /nothing is new/);
  const child = footfall.spawnCommand('import', '--data', footfall.data, '--site', site, '-');
  child.stdin.end(text);
  const out = [];
  child.stdout.on('data', (chunk) => out.push(chunk));
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.match(Buffer.concat(out).toString(), /standard input: nothing is new/);
  const other = await newSite();
  importLog(other, write('first.zst', zstdFrame(text)));
  await assertCounted(other, lines.slice(0, 20_000));
});

test('a packed log that ends in the middle says so, and the whole one goes on', async () => {
  const site = await newSite();
  const packed = gzipSync(textOf(lines.slice(0, 40_000)));
  const path = write('cut.gz', packed.subarray(0, packed.length - 1000));
  const run = footfall.command('import', '--data', footfall.data, '--site', site, path);
  assert.equal(run.code, 1);
  assert.match(run.error, /cut\.gz: it ends in the middle/);
  importLog(site, write('whole.gz', packed));
  await assertCounted(site, lines.slice(0, 40_000));
});

test('vhost_combined: other hosts are left out', async () => {
  const site = await newSite();
  const out = importLog(site, write('vhosts.log', textOf(vhostLog(lines.slice(0, 10_000), site))));
  assert.match(out, /\(vhost_combined\)/);
  assert.match(out, /1,9\d\d {2}requests to other hosts/);
  await assertCounted(site, lines.slice(0, 10_000));
});

test('Caddy: visitors who refused change nothing', async () => {
  const site = await newSite();
  const some = lines.slice(0, 10_000);
  assert.match(importLog(site, write('caddy.log', textOf(caddyLog(some, site, requestOf)))), /\(caddy\)/);
  await assertCounted(site, some);
});

/** Gives a text to a process; kills it when it has taken all before `at` but what a pipe holds. */
async function feed(child, text, at, signal) {
  child.stdin.on('error', () => {}); // it was killed
  await new Promise((resolve) => child.stdin.write(text.slice(0, at), resolve));
  child.kill(signal);
  child.stdin.end(text.slice(at));
}

test('killed at random moments, and repeated', async () => {
  const STOPS = 24;
  const site = await newSite();
  const text = textOf(lines);
  const random = randomFrom(Number(process.env.SEED ?? 7));
  let said = '';
  for (let i = 0; i < STOPS; i++) {
    const child = footfall.spawnCommand('import', '--data', footfall.data, '--site', site, '-');
    const ended = once(child, 'close');
    child.stderr.on('data', (chunk) => (said += chunk));
    await feed(child, text, 100_000 + Math.floor(((text.length - 100_000) * (i + random())) / STOPS), i % 3 === 0 ? 'SIGKILL' : 'SIGINT');
    await ended;
  }
  const places = [...said.matchAll(/stopped after line (\d+)/g)].map(([, line]) => line);
  console.log(`stopped after lines ${places.join(', ')}`);
  assert.ok(places.length > 5, said);
  importLog(site, write('killed.log', text));
  await assertCounted(site, lines);
});

test('a log that grows, also in the middle of a line', async () => {
  const site = await newSite();
  const text = textOf(lines.slice(0, 30_000));
  const random = randomFrom(3);
  for (let at = 100; at < text.length; at += Math.floor(random() * 400_000)) importLog(site, write('grows.log', text.slice(0, at)));
  importLog(site, write('grows.log', text));
  await assertCounted(site, lines.slice(0, 30_000));
  const row = await footfall.redis().hash(`ff:{0}:${site}:imports`);
  assert.equal(row.size, 1);
});

test('another log with the same head is refused, and nothing of it is counted', async () => {
  const site = await newSite();
  const some = lines.slice(0, 20_000);
  importLog(site, write('mine.log', textOf(some)));
  await footfall.settle();
  const before = await photographSite(site);
  const others = [...some];
  others[15_000] = others[15_001];
  for (const list of [[...others, ...lines.slice(30_000)], some.slice(0, 19_000)]) {
    const run = footfall.command('import', '--data', footfall.data, '--site', site, write('other.log', textOf(list)));
    assert.equal(run.code, 1);
    assert.match(run.error, /first 20000 lines are not the same/);
  }
  await footfall.settle();
  assert.deepEqual(await photographSite(site), before);
});

test('what cannot be read is told by its number alone', async () => {
  const site = await newSite();
  const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0';
  const line = (when, target) => `20.9.8.7 - - [${when}] "GET ${target} HTTP/1.1" 200 5 "-" "${agent}"`;
  const list = [
    line(timeOf(Date.UTC(2020, 1, 29, 12)), '/good'),
    'canary-4711 20.9.8.7 canary-agent',
    line(timeOf(Date.UTC(1994, 11, 31, 12)), '/old'),
    line(timeOf(Date.now() + 3 * 86_400_000), '/future'),
    line('30/Feb/2020:12:00:00 +0000', '/no-day'),
    line(timeOf(Date.UTC(2020, 1, 27, 11)), '/back'),
    `${line(timeOf(Date.UTC(2020, 1, 29, 12)), `/${'x'.repeat(70_000)}`)}`,
    line(timeOf(Date.UTC(2020, 1, 29, 12, 20)), '/good'),
  ];
  const run = footfall.command('import', '--data', footfall.data, '--site', site, write('odd.log', textOf(list) + 'half a line of canary-0815'));
  assert.equal(run.code, 0, run.error);
  assert.match(run.out, /3 page views from 2020-02-27 to 2020-02-29/);
  assert.match(run.out, / 3 {2}lines that are not in the log's format/);
  assert.match(run.out, / 2 {2}requests dated before 1995 or in the future/);
  assert.match(run.out, /first line that is not in the log's format is line 2\./);
  assert.match(run.out, /goes back by more than a day, 1 times, first at line 6/);
  assert.match(run.out, /last line is not finished/);
  assert.doesNotMatch(run.out + run.error, /canary|20\.9\.8\.7|Firefox/);
  await footfall.settle();
  assert.deepEqual(withoutZeros((await stored(site))['20200229'].total), { v: 2, s: 1, d: 1200 });
});

test('logs that are none', async () => {
  const site = await newSite();
  const run = (...words) => footfall.command('import', '--data', footfall.data, '--site', site, ...words);
  assert.match(run(write('empty.log', '')).out, /there is nothing in it/);
  const noise = run(write('noise.log', 'what\nis\nthis\n'));
  assert.equal(noise.code, 1);
  assert.match(noise.error, /no line of it is in a format/);
  assert.match(run(write('endless.log', 'x'.repeat(3_000_000))).error, /line 1 has no end/);
  assert.match(run(join(folder, 'absent.log')).error, /absent\.log: No such file/);
  assert.match(run(folder).error, /directory/);
  assert.equal(run('--format', 'iis', join(folder, 'empty.log')).code, 2);
  assert.equal(footfall.command('import', '--data', footfall.data, 'x.log').code, 2);
  assert.match(footfall.command('import', '--data', footfall.data, '--site', 'no.example', 'x.log').error, /no such site/);
});
