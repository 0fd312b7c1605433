// While Redis is away, or there and refuses, beacons are answered 204 all the same, without delay, and
// when it is back every one of them is counted once. One way to be away after the other, under load,
// then the reckoning; one line of JSON for each.
//   node outage.mjs [--seconds N] [--only NAME]   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { pause, until } from '../e2e/harness.mjs';
import { Load, PATIENT, assertDurable, assertInTime, byStatus, quantileMs, quiet, reckon, sitesFor } from './load.mjs';
import { Parts, REDIS } from './parts.mjs';
import { option } from './random.mjs';
import { Stalls } from './stalls.mjs';

const GONE_S = option('seconds', 6);
const REFUSING_S = Math.max(1.5, GONE_S / 10);
const CLIENTS = 16;
const BETWEEN_MS = 40; // of one client's views
const WELL_MS = 200; // in front of it and behind it
const BACK_MS_MAX = 60_000; // until all of it is in the log
const P99_MS_MAX = 250;
const SAMPLE_MIN = 2000; // answers: of fewer, the slowest one in a hundred is chance

const BUSY = 'while true do end';
const SLOW_MS = 800;
const JUST_IN_TIME_MS = PATIENT.FOOTFALL_ACK_WAIT_MS / 2 - 5; // the spool is called in at half of it
const slow = (ms) => `local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end
local began = now() repeat until now() - began > ${ms}`;

const config = (name, value) => (parts) => parts.redis().command('CONFIG', 'SET', name, value);

/** A script that keeps Redis from everything else. */
function evaluate(parts, script) {
  const redis = parts.connectRedis();
  return redis.command('EVAL', script, 0).finally(() => redis.close());
}

/** Redis answers between one such script and the next. */
const slowBy = (ms) => ({
  begin: (parts) => {
    parts.isSlow = true;
    parts.slowness = (async () => {
      while (parts.isSlow) await evaluate(parts, slow(ms));
    })();
  },
  end: (parts) => {
    parts.isSlow = false;
    return parts.slowness;
  },
  seconds: REFUSING_S,
});

/** name: {begin, end, seconds, answers}; `end` undoes `begin`. */
const WAYS = {
  stopped: { begin: (parts) => parts.kill(REDIS, 'SIGSTOP'), end: (parts) => parts.kill(REDIS, 'SIGCONT'), seconds: GONE_S },
  killed: { begin: (parts) => parts.take(REDIS), end: (parts) => parts.bring(REDIS), seconds: GONE_S },
  'without a socket': {
    begin: async (parts) => {
      await parts.take(REDIS);
      rmSync(parts.redisFile('redis.sock'));
    },
    end: (parts) => parts.bring(REDIS),
    seconds: REFUSING_S,
  },
  slow: slowBy(SLOW_MS),
  'slow, but just in time': slowBy(JUST_IN_TIME_MS),
  busy: {
    begin: async (parts) => {
      await config('busy-reply-threshold', 20)(parts);
      evaluate(parts, BUSY).catch(() => {}); // until it is killed
    },
    end: async (parts) => {
      await parts.redis().command('SCRIPT', 'KILL');
      const usual = () => config('busy-reply-threshold', 5000)(parts).then(() => true, () => false);
      await until('the script to end', usual);
    },
    seconds: REFUSING_S,
  },
  loading: {
    begin: async (parts) => {
      await parts.redis().command('BGREWRITEAOF');
      await until('a snapshot', async () => /aof_rewrite_in_progress:0/.test(await parts.redis().text('INFO', 'persistence')));
      await parts.take(REDIS);
      parts.redisOptions = ['--key-load-delay', 50_000, '--loading-process-events-interval-bytes', 1024];
      parts.bring(REDIS);
    },
    end: async (parts) => {
      await assert.rejects(parts.redis().command('GET', 'key'), /LOADING/);
      await parts.take(REDIS);
      parts.redisOptions = [];
      parts.bring(REDIS);
    },
    seconds: REFUSING_S,
  },
  'read-only': {
    begin: (parts) => parts.redis().command('REPLICAOF', '127.0.0.1', '1'),
    end: (parts) => parts.redis().command('REPLICAOF', 'NO', 'ONE'),
    seconds: REFUSING_S,
  },
  'without replicas': {
    begin: config('min-replicas-to-write', 1),
    end: config('min-replicas-to-write', 0),
    seconds: REFUSING_S,
  },
  'out of memory': { begin: config('maxmemory', 1), end: config('maxmemory', 0), seconds: REFUSING_S },
  'without functions': {
    begin: async (parts) => {
      await parts.take('aggregate'); // which would load them again
      await parts.redis().command('FUNCTION', 'FLUSH');
    },
    end: (parts) => parts.bring('aggregate'),
    seconds: REFUSING_S,
  },
  'away when the collector starts': {
    begin: async (parts) => {
      await parts.take(REDIS);
      await parts.take('collect');
      parts.bring('collect');
      const isReady = async () => JSON.parse(await parts.ready('collect')).status === 'ready';
      await until('the collector to know its sites', () => isReady().catch(() => false));
      await pause(WELL_MS);
    },
    end: (parts) => parts.bring(REDIS),
    seconds: REFUSING_S,
  },
  'killed, and the collector with it': {
    begin: (parts) => parts.take(REDIS),
    amid: (parts) => parts.kill('collect'),
    end: (parts) => parts.bring(REDIS),
    seconds: REFUSING_S,
  },
};

const isDuring = (from, to) => ({ at, ms }) => at + ms >= from && at <= to;

/** Lives through one of the ways: what was answered, {all, during, …}. */
async function endure(parts, sites, { begin, amid, end, seconds }) {
  const load = new Load(parts, sites, { clients: CLIENTS, betweenMs: BETWEEN_MS });
  await pause(WELL_MS);
  const stalls = new Stalls(parts.data);
  await begin(parts);
  const from = performance.now();
  await pause((seconds * 1000) / 2);
  await amid?.(parts);
  await pause((seconds * 1000) / 2);
  const to = performance.now();
  await stalls.stop();
  const spooledBytes = parts.spooled().reduce((sum, file) => sum + file.bytes, 0);
  await end(parts);
  await parts.isBack();
  await pause(WELL_MS);
  const all = await load.stop();
  await until('the spool to be empty', () => parts.spooled().length === 0, BACK_MS_MAX);
  return { all, during: all.filter(isDuring(from, to)), stalls, spooledBytes };
}

/** Prints what came of it, and fails where that is not what was promised; the answers that may be judged by their time. */
async function judge(parts, name, { amid, seconds }, { all, during, stalls, spooledBytes }) {
  const { counted, ...pages } = await reckon(parts, all);
  const told = {
    redis: name,
    seconds,
    sent: during.length,
    answers: byStatus(during),
    p50_ms: quantileMs(during, 0.5),
    p99_ms: quantileMs(during, 0.99),
    disk_worst_ms: stalls.worstMs,
    spooled_bytes: spooledBytes,
    all_sent: all.length,
    counted,
    lost: pages.lost.length,
    doubled: pages.doubled.length,
  };
  console.log(JSON.stringify(told));
  if (amid) delete pages.acceptedButGone; // the collector has died
  for (const [what, found] of Object.entries(pages)) assert.deepEqual(found, [], `${name}: ${what}`);
  assert.ok(spooledBytes > 0, `${name}: it was really away`);
  return amid ? [] : assertDurable(during, stalls, name);
}

async function run(parts, names) {
  const sitesOf = (name) => sitesFor(name.replace(/\W+/g, '-'), ((WAYS[name].seconds * 1000 + 4 * WELL_MS) * CLIENTS) / BETWEEN_MS);
  await parts.addSites(names.flatMap(sitesOf));
  const outcomes = [];
  for (const name of names) outcomes.push(await endure(parts, sitesOf(name), WAYS[name]));
  await quiet(parts);
  const fair = [];
  for (const [at, name] of names.entries()) fair.push(await judge(parts, name, WAYS[name], outcomes[at]));
  for (const [at, answers] of fair.entries()) if (answers.length >= SAMPLE_MIN) assertInTime(answers, P99_MS_MAX, names[at]);
  assertInTime(fair.flat(), P99_MS_MAX, 'all together');
  const during = names.reduce((sum, name, at) => sum + (WAYS[name].amid ? 0 : outcomes[at].during.length), 0);
  assert.ok(fair.flat().length > during / 2, 'this machine stalls too often to tell');
}

const only = process.argv.indexOf('--only');
const parts = await Parts.start(PATIENT);
try {
  await run(parts, only < 0 ? Object.keys(WAYS) : [process.argv[only + 1]]);
  assert.deepEqual(parts.deaths, {}, 'nothing ended but what was killed');
  assert.deepEqual(await parts.stop(), { code: 0, signal: null });
} catch (error) {
  console.log(parts.output, parts.logs());
  await parts.stop();
  throw error;
}
