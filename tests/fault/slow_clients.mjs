// Clients who are slow, silent or do not read, beside good traffic: each is closed within its limit,
// good traffic does not notice, memory goes back to where it was, and at the cap of connections
// the listener pauses and resumes.
//   node slow_clients.mjs [--clients N] [--waves N]   with FOOTFALL set to the executable
// Prints one line of JSON, and ends with 1 where a promise is not kept.

import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { parseArgs } from 'node:util';
import { BROWSER, Footfall, http, inParallel, pause, until } from '../e2e/harness.mjs';
import { Traffic, figures, memoryMb } from './watch.mjs';

const { values } = parseArgs({ options: { clients: { type: 'string' }, waves: { type: 'string' } } });
const CLIENTS = Number(values.clients ?? 2000);
const WAVES = Number(values.waves ?? 3);
const SITE = 'slow.example';
const RATE = 200;
const CALM_S = 10;
const PULSE_MS = 1000; // how often a client says a little, or looks whether it is still connected
const REQUEST_LIMIT_S = 10; // of common/limits.h, as the next
const READER_LIMIT_S = 20;
const SLACK_S = 5; // a pulse of ours, two ticks of theirs, and the crowd at the door
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
  idle: { share: 0.2, limit_s: REQUEST_LIMIT_S, first: '', pulse: '' },
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

/** One client; resolves with the seconds that it was connected. */
function slowClient(port, kind, name) {
  return new Promise((resolve, reject) => {
    const sinceMs = performance.now();
    const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    let pulse;
    const end = () => {
      clearInterval(pulse);
      socket.destroy();
      resolve((performance.now() - sinceMs) / 1000);
    };
    const tooLong = setTimeout(() => reject(new Error(`${name}: a client is still connected after a minute`)), 60_000);
    tooLong.unref();
    if (kind.leaves_s) setTimeout(end, kind.leaves_s * 1000);
    if (kind.reads === false) socket.pause(); // whether it is connected shows when it writes
    else socket.on('data', () => {}).on('end', end);
    socket.on('error', end).on('close', end);
    socket.on('connect', () => {
      socket.write(kind.first);
      if (kind.ends) socket.end();
      else if (kind.pulse) pulse = setInterval(() => socket.write(kind.pulse), PULSE_MS);
    });
  });
}

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
    await Promise.race([pause(PULSE_MS), done.catch(() => {})]);
  }
  return [await done, most];
}

async function memory(footfall) {
  return { collect: await memoryMb(footfall, 'collect'), dashboards: await memoryMb(footfall, 'dashboards') };
}

/** At the cap nobody else is accepted; when the silent are closed everybody is served. */
async function atTheCap() {
  const cap = 64;
  const footfall = await Footfall.start({ FOOTFALL_HTTP_CONNECTIONS: String(cap), FOOTFALL_COLLECTOR_WORKERS: '2' });
  try {
    const idle = Promise.all(Array.from({ length: 2 * cap }, () => slowClient(footfall.collector, KINDS.idle, 'idle')));
    await pause(1500);
    const most = (await figures(footfall, 'collect')).footfall_collector_open_connections;
    const sinceMs = performance.now();
    const reply = await http(footfall.collector, { path: '/healthz', agent: false });
    const waited_s = Number(((performance.now() - sinceMs) / 1000).toFixed(1));
    await idle;
    return { cap, most, status: reply.status, waited_s };
  } finally {
    await footfall.stop();
  }
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
  const waves = [];
  for (let at = 0; at < WAVES; at++) {
    const [kinds, most] = await mostMemory(footfall, wave(footfall));
    const good = await traffic.stretch();
    await pause(2000);
    waves.push({ kinds, most, good, memory_after: await memory(footfall) });
    await traffic.stretch();
  }
  await pause(CALM_S * 1000);
  const after = await traffic.stretch();
  const told = await figures(footfall, 'dashboards');
  const opened = waves.flatMap(({ kinds }) => Object.values(kinds)).reduce((sum, { clients }) => sum + clients, 0);
  const cap = await atTheCap();
  const result = { clients: CLIENTS, opened, closed: opened, rest, before, waves, after, cap };
  console.log(JSON.stringify(result));

  for (const { kinds, good } of waves) {
    for (const [name, { longest_s, limit_s }] of Object.entries(kinds))
      if (limit_s) assert.ok(longest_s <= limit_s + SLACK_S, `${name}: ${longest_s} s`);
    assert.equal(good.failed, 0);
    assert.deepEqual(Object.keys(good.statuses).filter((status) => !['204', '202'].includes(status)), []);
    const bar = 2 * Math.max(before.p99, after.p99, QUIET_MS);
    assert.ok(good.p99 < bar, `p99 of good traffic was ${good.p99} ms, ${before.p99} before and ${after.p99} after`);
  }
  // What a wave leaves behind is memory that the next one finds again.
  const [first, last] = [waves[0].memory_after, waves.at(-1).memory_after];
  const kilobytesEach = (role) => ((waves[0].most[role] - rest[role]) * 1000) / CLIENTS;
  assert.ok(kilobytesEach('collect') < 64, `${kilobytesEach('collect')} KB of the collector a client`);
  for (const role of ['collect', 'dashboards']) assert.ok(last[role] <= first[role] + GROWTH_MB, `${role} grows: ${first[role]} MB, then ${last[role]} MB`);
  assert.equal(told.footfall_dashboards_live_streams, 0);
  assert.equal(cap.status, 200);
  assert.ok(cap.most <= cap.cap, `${cap.most} connections at a cap of ${cap.cap}`);
  assert.ok(cap.waited_s <= 2 * REQUEST_LIMIT_S + SLACK_S, `waited for ${cap.waited_s} s at the cap`);
} finally {
  await traffic?.stop();
  await footfall.stop();
}
