// Nothing that a visitor's browser says comes to rest: a thousand requests of nineteen kinds, each with
// an address, a User-Agent, a cookie, a query of its own and more, are sent to a whole Footfall that
// writes every view out at once, and imported from two access logs. Then every byte at rest is searched
// for every spelling of every one of them: while it runs, while Redis hangs and batches wait in the
// spool, after a clean stop, and after all its processes were killed.
//   node canary.mjs   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Footfall, inParallel, isThere, until } from '../e2e/harness.mjs';
import { mmdbBytes } from '../e2e/mmdb.mjs';
import { Redis } from '../e2e/redis.mjs';
import { KINDS, PAGES, SITE, isPageView, kindsInTurn } from './beacons.mjs';
import { visitor } from './canaries.mjs';
import { unpackedStrings } from './lzf.mjs';
import { TEMPORARY, filesAtRest } from './places.mjs';
import { Search } from './search.mjs';

const LOG_SITE = 'log.canary.example';
const REQUESTS = 1100; // a thousand beacons, and others
const SPOOLED_REQUESTS = 300; // while Redis hangs
const MORE_REQUESTS = 200; // while processes are killed
const CLIENTS = 24;
const CONTROL_KEY = 'ff:{0}:control';

const since = Date.now();
const working = mkdtempSync(join(tmpdir(), 'footfall-canary-'));
const visitors = Array.from({ length: REQUESTS + SPOOLED_REQUESTS + MORE_REQUESTS }, (_, number) => visitor(number));
const search = new Search(visitors);
const seen = new Set(); // ids of all processes there ever were
let footfall;

before(async () => {
  // Where core files are written at all, one must not hold a visitor: allow them here.
  spawnSync('prlimit', ['--pid', process.pid, '--core=unlimited']);
  const database = join(working, 'regions.mmdb');
  const countries = Array.from({ length: 40 }, (_, at) => [`${130 + at}.0.0.0/8`, { country: { iso_code: at % 2 ? 'NL' : 'DE' } }]);
  writeFileSync(database, mmdbBytes({ ...Object.fromEntries(countries), '2a00::/7': { country: { iso_code: 'FR' } } }));
  process.chdir(working);
  footfall = await Footfall.start({ FOOTFALL_GEO_DATABASE: database });
  await footfall.addSite(SITE);
  notePids();
});

after(async () => {
  await footfall?.stop();
  process.chdir('/');
  rmSync(working, { recursive: true, force: true });
});

/** The same visitors once more, as an access log that is at rest nowhere: standard input. */
async function importLog(format, line) {
  const child = footfall.spawnCommand('import', '--site', LOG_SITE, '--data', footfall.data, '--format', format, '-');
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
  seen.add(child.pid);
  child.stdin.end(visitors.slice(0, REQUESTS).map(line).join('\n'));
  const [code] = await once(child, 'close');
  const text = Buffer.concat(said).toString('latin1');
  assert.equal(code, 0, 'the import');
  for (const { words, address } of visitors)
    assert.ok(![address, ...Object.values(words)].some((word) => text.includes(word)), 'the import repeats what it read');
  return text;
}

const LOG_TIME = '17/May/2015:10:05:03 +0000';
function combinedLine({ number, address, words, wholes, secret }) {
  const path = number % 3 ? `/about${wholes.query}` : `/account/${secret}`;
  if (number % 50 === 0) return `${address} ${words.header} ${wholes.agent} is no line`;
  return `${address} - ${words.authorization} [${LOG_TIME}] "GET ${path} HTTP/1.1" 200 5 "${wholes.referrer}" "${wholes.agent}"`;
}

function caddyLine({ number, address, words, wholes }) {
  const headers = { 'User-Agent': [wholes.agent], Cookie: [wholes.cookie], Referer: [wholes.referrer], 'Accept-Language': [wholes.languages] };
  if (number % 5 === 0) headers['Sec-Gpc'] = ['1'];
  const request = { remote_ip: address, method: 'GET', host: LOG_SITE, uri: `/${number % 7}${wholes.query}`, headers, user_id: words.header };
  return JSON.stringify({ ts: 1431857103, request, status: 200 });
}

function notePids() {
  for (const pid of [footfall.pid, ...Object.values(footfall.children())]) seen.add(pid);
}

/** Sends one request; its answer must be as foreseen and repeat nothing. `isRough`: any answer will do. */
async function send(kind, who, isRough = false) {
  const [, statuses, request] = KINDS[kind];
  const reply = await request(footfall, who).catch(() => ({ status: 0, headers: {}, body: Buffer.alloc(0) }));
  if (!isRough) assert.ok(statuses.includes(reply.status), `${kind}: ${reply.status} ${reply.body}`);
  const text = JSON.stringify(reply.headers) + reply.body.toString('latin1');
  for (const [what, word] of Object.entries({ ...who.words, address: who.address }))
    assert.ok(!text.includes(word), `${kind}: the answer repeats the ${what}`);
}

/** [place, bytes] of every file at rest, and of what is packed in them. */
function* piecesAtRest() {
  for (const [place, path] of filesAtRest({ data: footfall.data, working, pids: [process.pid, ...seen], since })) {
    let bytes;
    try {
      bytes = readFileSync(path);
    } catch {
      continue; // deleted meanwhile
    }
    yield [place, bytes];
    if (place === 'snapshot of Redis') for (const text of unpackedStrings(bytes)) yield [place, text];
  }
}

function assertNothingAtRest(when, places) {
  const started = Date.now();
  const { findings, bytes, files, planted, chance } = search.run(piecesAtRest());
  const found = Object.keys(planted).filter((place) => planted[place].size === search.plantedForms);
  console.log(
    `${when}: ${bytes} bytes in ${files} pieces, ${search.needles} needles, ${Date.now() - started} ms; ` +
      `32-bit forms by chance: ${chance[0]} of visitors, ${chance[1]} of decoys; shown to be searched: ${found.sort().join(', ')}`,
  );
  for (const place of places) assert.ok(found.includes(place), `${when}: the search does not see all in: ${place}`);
  assert.deepEqual(findings, [], when);
}

/** Plants the visitor whom nobody sent wherever a file can be; gives what ends it. */
function plantFiles() {
  const inData = ['', 'log', 'redis', 'run', 'spool', 'spool/quarantine'].map((name) => join(footfall.data, name));
  const folders = [...inData, working, ...TEMPORARY];
  const paths = folders.map((folder) => join(folder, `footfall-control-${process.pid}`));
  paths.push(join(working, 'core.1'), join(footfall.data, 'redis', 'control.secret'));
  const written = paths.filter((path) => {
    try {
      writeFileSync(path, search.plantedBytes());
      return true;
    } catch {
      return false; // there is no such folder
    }
  });
  const nameless = join(working, 'nameless');
  const fd = openSync(nameless, 'w+');
  writeFileSync(fd, search.plantedBytes());
  unlinkSync(nameless);
  return () => {
    written.forEach((path) => rmSync(path));
    closeSync(fd);
  };
}

/** As the aggregator, who may write: the planted visitor in a key of its own. */
async function plantInRedis() {
  const redis = new Redis(join(footfall.data, 'redis', 'redis.sock'));
  const secret = readFileSync(join(footfall.data, 'redis', 'aggregator.secret'), 'utf8').trim();
  await redis.command('AUTH', 'aggregator', secret);
  await redis.command('SET', CONTROL_KEY, search.plantedBytes());
  redis.close();
}

async function rewriteJournal() {
  await footfall.redis().command('BGREWRITEAOF');
  await until('the journal to be rewritten', async () => {
    const info = await footfall.redis().text('INFO', 'persistence');
    return /aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info) && /aof_last_bgrewrite_status:ok/.test(info);
  });
}

/** How many page views these visitors make by requests of these kinds. */
const pageViews = (kinds, from) => kinds.filter((kind, at) => isPageView(kind, visitors[from + at])).length;

/** Waits for the pages to come to rest in the spool. */
async function spooled() {
  const isIn = (page) => footfall.spooled().some(({ path }) => readFileSync(path).includes(page));
  for (const page of PAGES.slice(1)) await until(`${page} to wait in the spool`, () => isIn(page));
}

test('the search finds each spelling, and nothing in random bytes', () => {
  assert.deepEqual(search.missing(search.plantedBytes()), []);
  const random = Buffer.from(Array.from({ length: 1 << 20 }, () => Math.random() * 256));
  assert.deepEqual(search.run([['random bytes', random]]).findings, []);
});

test('a thousand requests leave nothing at rest while it runs', async () => {
  const kinds = kindsInTurn(REQUESTS);
  await inParallel(visitors.slice(0, REQUESTS).entries(), CLIENTS, ([at, who]) => send(kinds[at], who));
  await footfall.settle();
  const { pageviews } = await footfall.totals(SITE);
  assert.equal(pageviews, pageViews(kinds, 0), 'all views came to rest as numbers');
  assert.deepEqual(Object.keys(await footfall.by(SITE, 'visit:country', 'pageviews')).sort(), ['DE', 'FR', 'NL']);
  const added = footfall.command('site', 'add', LOG_SITE, '--data', footfall.data);
  assert.equal(added.code, 0, added.error);
  assert.match(await importLog('combined', combinedLine), new RegExp(`^standard input: ${(0.98 * REQUESTS).toLocaleString('en')} page views from 2015-05-17`));
  assert.match(await importLog('caddy', caddyLine), new RegExp(`^standard input: ${(0.8 * REQUESTS).toLocaleString('en')} page views from 2015-05-17`));
  await footfall.settle();
  await plantInRedis();
  const unplant = plantFiles();
  notePids();
  const inData = ['journal of Redis', 'secrets', 'data folder', 'data folder: log', 'data folder: redis', 'data folder: run'];
  try {
    assertNothingAtRest('while it runs', [...inData, 'working folder', 'core file', 'deleted file', ...TEMPORARY]);
  } finally {
    unplant();
  }
});

test('nothing is at rest in the spool while Redis hangs', async () => {
  const kinds = kindsInTurn(SPOOLED_REQUESTS);
  const before = (await footfall.totals(SITE)).pageviews;
  const server = footfall.children()['redis-server'];
  process.kill(server, 'SIGSTOP');
  const unplant = plantFiles();
  try {
    await inParallel(visitors.slice(REQUESTS, REQUESTS + SPOOLED_REQUESTS).entries(), CLIENTS, ([at, who]) => send(kinds[at], who));
    await spooled();
    assertNothingAtRest('while Redis hangs', ['data folder: spool', 'data folder: spool/quarantine']);
  } finally {
    unplant();
    process.kill(server, 'SIGCONT');
  }
  await footfall.settle();
  const { pageviews } = await footfall.totals(SITE);
  assert.equal(pageviews - before, pageViews(kinds, REQUESTS), 'all views came to rest as numbers');
});

test('nothing is at rest after the journal was rewritten and a clean stop', async () => {
  await rewriteJournal();
  assert.deepEqual(await footfall.halt(), { code: 0, signal: null });
  assertNothingAtRest('after a clean stop', ['snapshot of Redis']);
});

test('nothing is at rest after a crash and after all was killed', async () => {
  await footfall.launch();
  const kinds = kindsInTurn(MORE_REQUESTS);
  const requests = inParallel(visitors.slice(-MORE_REQUESTS).entries(), CLIENTS, ([at, who]) => send(kinds[at], who, true));
  await footfall.view({ s: SITE, u: `https://${SITE}/` });
  notePids();
  const collector = footfall.children().collect;
  process.kill(collector, 'SIGABRT');
  await until('the collector to be back', async () => {
    const now = footfall.children().collect;
    return now && now !== collector && (await footfall.isReady());
  });
  await requests;
  process.kill(footfall.children()['redis-server'], 'SIGSTOP'); // batches wait in the spool when all ends
  const last = inParallel(visitors.slice(-MORE_REQUESTS).entries(), CLIENTS, ([at, who]) => send(kinds[at], who, true));
  await footfall.view({ s: SITE, u: `https://${SITE}/` });
  await until('batches to wait in the spool', () => footfall.spooled().length > 0);
  notePids();
  const pids = [...Object.values(footfall.children()), footfall.pid];
  pids.forEach((pid) => process.kill(pid, 'SIGKILL')); // the roles first, which end with `serve`
  await last;
  await until('all to have ended', () => footfall.how && !pids.some(isThere));
  assert.ok(footfall.spooled().length > 0, 'batches wait in the spool');
  assertNothingAtRest('after kill -9', ['snapshot of Redis']);
});
