// Clients who are slow, silent or do not read, beside good traffic: each is closed within its limit,
// good traffic does not notice, and memory goes back to where it was.
//   node slow_clients.mjs [--clients N] [--waves N] [--calm SECONDS]   with FOOTFALL set to the executable
// Prints one line of JSON, and ends with 1 where a promise is not kept.

import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { BROWSER, Footfall, inParallel, pause } from '../e2e/harness.mjs';
import { IDLE, READER_LIMIT_S, REQUEST_LIMIT_S, SLACK_S, slowClient } from './slow_client.mjs';
import { Traffic, figures, memoryMb } from './watch.mjs';

const { values } = parseArgs({ options: { clients: { type: 'string' }, waves: { type: 'string' }, calm: { type: 'string' } } });
const CLIENTS = Number(values.clients ?? 2000);
const WAVES = Number(values.waves ?? 3);
const SITE = 'slow.example';
const RATE = 200;
const CALM_S = Number(values.calm ?? 10); // before and after
const LOOK_MS = 1000;
const GROWTH_MB = 8; // of two kilobytes a client that were left behind it would be more
const QUIET_MS = 10; // a percentile below it is the machine's, not ours
const PAGES = 1500; // of the site, for an answer that is worth not reading

const HEAD = `Host: x\r\nUser-Agent: ${BROWSER}\r\n`;
const POST = `POST /b HTTP/1.1\r\n${HEAD}Content-Type: text/plain\r\n`;
const get = (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

/**
 * What a client says at first, and at each pulse; `reads: false` takes nothing of the answers. At
 * the collector those that wait fit in the socket's buffer, since who asks for more at once is reset.
 * Shares are of all clients.
 */
const KINDS = {
  idle: { share: 0.2, ...IDLE },
  slow_head: { share: 0.15, limit_s: REQUEST_LIMIT_S, first: `GET /b HTTP/1.1\r\n${HEAD}X: `, pulse: 'x' },
  great_head: { share: 0.05, limit_s: REQUEST_LIMIT_S, first: `GET /b HTTP/1.1\r\n${HEAD}X: ${'x'.repeat(390_000)}`, pulse: 'x' },
  slow_body: { share: 0.15, limit_s: REQUEST_LIMIT_S, first: `${POST}Content-Length: 1000\r\n\r\n`, pulse: 's' },
  slow_chunks: { share: 0.19, limit_s: REQUEST_LIMIT_S, first: `${POST}Transfer-Encoding: chunked\r\n\r\n`, pulse: '1\r\nx\r\n' },
  half_closed: { share: 0.1, limit_s: REQUEST_LIMIT_S, first: `${POST}Content-Length: 1000\r\n\r\nabc`, pulse: '', ends: true },
  kept: { share: 0.05, limit_s: REQUEST_LIMIT_S, first: get('/healthz'), pulse: '' },
  tracker_reader: { share: 0.01, limit_s: READER_LIMIT_S, first: get('/footfall.js').repeat(1000), pulse: 'x', reads: false },
  pages_reader: { share: 0.04, limit_s: READER_LIMIT_S, first: get('/assets/app.js').repeat(200), pulse: 'x', reads: false, at: 'dashboards' },
  export_reader: {
    share: 0.01,
    limit_s: READER_LIMIT_S,
    first: get(`/api/v2/export/${SITE}.csv?metrics=pageviews&dimensions=event:page&period=day`).repeat(200),
    pulse: 'x',
    reads: false,
    at: 'dashboards',
  },
  // Its kernel takes for it what is told in minutes, so that it cannot be told from one who reads: it
  // leaves by itself. There are LIVE_STREAMS_MAX at the most.
  live_reader: { share: 0.05, leaves_s: 25, first: get(`/api/live/${SITE}`), pulse: 'x', reads: false, at: 'dashboards' },
};

/** All of them at once: {kind: {clients, longest_s}}. */
async function wave(footfall) {
  const lives = Object.entries(KINDS).map(async ([name, kind]) => {
    const clients = Math.max(1, Math.round(CLIENTS * kind.share));
    const port = footfall[kind.at ?? 'collector'];
    const seconds = await Promise.all(Array.from({ length: clients }, () => slowClient(port, kind, name)));
    return [name, { clients, longest_s: Number(Math.max(...seconds).toFixed(1)), limit_s: kind.limit_s }];
  });
  return Object.fromEntries(await Promise.all(lives));
}

/** Memory of both roles each second until `promise` is done: the most. */
async function mostMemory(footfall, promise) {
  const most = { collect: 0, dashboards: 0, connections: 0 };
  let going = true;
  const done = promise.finally(() => (going = false));
  while (going) {
    for (const role of ['collect', 'dashboards']) most[role] = Math.max(most[role], await memoryMb(footfall, role));
    const told = await figures(footfall, 'collect');
    most.connections = Math.max(most.connections, told.footfall_collector_open_connections);
    await Promise.race([pause(LOOK_MS), done.catch(() => {})]);
  }
  return [await done, most];
}

async function memory(footfall) {
  return { collect: await memoryMb(footfall, 'collect'), dashboards: await memoryMb(footfall, 'dashboards') };
}

/** Waves of them, and calm behind: {waves, after}. */
async function round(footfall, traffic) {
  const waves = [];
  for (let at = 0; at < WAVES; at++) {
    const [kinds, most] = await mostMemory(footfall, wave(footfall));
    const good = await traffic.stretch();
    await pause(2000);
    waves.push({ kinds, most, good, memory_after: await memory(footfall) });
    await traffic.stretch();
  }
  await pause(CALM_S * 1000);
  return { waves, after: await traffic.stretch() };
}

/** The waves in which good traffic was answered much more slowly than in the calm around them. */
function slowed(before, { waves, after }) {
  const barMs = 2 * Math.max(before.p99, after.p99, QUIET_MS);
  return waves.filter(({ good }) => good.p99 >= barMs).map(({ good }) => [good.p99, before.p99, after.p99]);
}

const footfall = await Footfall.start();
let traffic;
try {
  await footfall.addSite(SITE);
  await inParallel(Array(PAGES).keys(), 32, (at) => footfall.view({ s: SITE, u: `http://${SITE}/a/long/way/down/to/page${at}x` }));
  await footfall.settle();
  traffic = new Traffic(footfall.collector, SITE, RATE);
  await pause(3000); // warm
  await traffic.stretch();
  const rest = await memory(footfall);
  await pause(CALM_S * 1000);
  const before = await traffic.stretch();
  const rounds = [await round(footfall, traffic)];
  let slow = slowed(before, rounds[0]);
  if (slow.length > 0) {
    // A machine that is busy with something else is so once; what these clients do they do again.
    rounds.push(await round(footfall, traffic));
    slow = slowed(rounds[0].after, rounds[1]);
  }
  const told = await figures(footfall, 'dashboards');
  const waves = rounds.flatMap((each) => each.waves);
  const opened = waves.flatMap(({ kinds }) => Object.values(kinds)).reduce((sum, { clients }) => sum + clients, 0);
  const result = { clients: CLIENTS, opened, closed: opened, rest, before, rounds };
  console.log(JSON.stringify(result));

  for (const { kinds, good } of waves) {
    for (const [name, { longest_s, limit_s }] of Object.entries(kinds))
      if (limit_s) assert.ok(longest_s <= limit_s + SLACK_S, `${name}: ${longest_s} s`);
    assert.equal(good.failed, 0);
    assert.deepEqual(Object.keys(good.statuses).filter((status) => !['204', '202'].includes(status)), []);
  }
  assert.deepEqual(slow, [], 'p99 of good traffic, in ms: among them, before, after');
  // What a wave leaves behind is memory that the next one finds again.
  const [first, last] = [waves[0].memory_after, waves.at(-1).memory_after];
  const kilobytesEach = (role) => ((waves[0].most[role] - rest[role]) * 1000) / CLIENTS;
  assert.ok(kilobytesEach('collect') < 64, `${kilobytesEach('collect')} KB of the collector a client`);
  for (const role of ['collect', 'dashboards']) assert.ok(last[role] <= first[role] + GROWTH_MB, `${role} grows: ${first[role]} MB, then ${last[role]} MB`);
  assert.equal(told.footfall_dashboards_live_streams, 0);
} finally {
  await traffic?.stop();
  await footfall.stop();
}
