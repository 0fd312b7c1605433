// Nothing that was answered 204 is lost and nothing is counted twice, whatever is killed when: a load
// of beacons, each of a page of its own, while processes are killed at random moments and the link
// between the collector and Redis is cut in front of replies and behind them. First with the roles
// apart, two aggregators and a proxy between, where any rate of deaths is possible; then with `serve`,
// which is killed itself as well.
//   node exactly_once.mjs [--seed N] [--minutes N]   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { Footfall, isThere, pause, until } from '../e2e/harness.mjs';
import { Load, byStatus, quiet, reckon, sitesFor } from './load.mjs';
import { Parts, REDIS, SECOND } from './parts.mjs';
import { CUTS, CuttingProxy } from './proxy.mjs';
import { Random, option } from './random.mjs';

const MINUTES = option('minutes', 1);
const SEED = option('seed', randomInt(2 ** 31));
const KILLS_A_MINUTE_MIN = 20;
const APART_SHARE = 0.7; // of the time
const CLIENTS = 16;
const BETWEEN_MS = 40; // of one client's views
const BETWEEN_FAULTS_MS = { apart: [50, 900], served: [300, 1500] };
const STOPPED_SHARE = 0.3; // dies with questions that it has not answered, nor obeyed
const STOPPED_MS = [20, 400];
const UNREAD_MS = [5, 150]; // in which batches come that nobody will have read
const CUTS_MAX = 4; // one after the other
const ACK_WAIT_MS = { 100: 1, 1000: 1 }; // a late reply finds its batch in the spool, or still waiting
const LATE_MS = [150, 6500]; // a reply, until after the collector has given it up
const ENDED_MS = 40_000;
const DEATHS_A_SERVE = 5; // before it is killed itself
const KILLED = { collect: 4, aggregate: 3, [REDIS]: 4, dashboards: 1 };
const CUT = Object.fromEntries(Object.keys(CUTS).map((kind) => [kind, 3]));

const random = new Random(SEED);
const kills = {};

function signal(pid, name) {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
    return false; // it was down already
  }
}

function kill(what, pid) {
  if (signal(pid, 'SIGKILL')) kills[what] = (kills[what] ?? 0) + 1;
}

/** Kills, now and then after it was stopped for a moment. */
async function stopAndKill(what, pid) {
  if (random.next() < STOPPED_SHARE && signal(pid, 'SIGSTOP')) await pause(random.between(...STOPPED_MS));
  kill(what, pid);
}

/** So many seconds of load with faults beneath it, then the reckoning. */
async function torment(footfall, name, seconds, fault) {
  const sites = sitesFor(name, (seconds * 1000 * CLIENTS) / BETWEEN_MS + CLIENTS);
  await footfall.addSites(sites);
  const load = new Load(footfall, sites, { clients: CLIENTS, betweenMs: BETWEEN_MS });
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    await pause(random.between(...BETWEEN_FAULTS_MS[name]));
    await fault();
  }
  const answers = await load.stop();
  await quiet(footfall);
  const pages = await reckon(footfall, answers);
  if (pages.lost.length + pages.doubled.length > 0) console.log(footfall.logs());
  return { answers, ...pages };
}

/** Ends it well or fails; what the roles logged is shown when something was wrong. */
async function whileRunning(footfall, work) {
  try {
    const result = await work();
    assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
    return result;
  } catch (error) {
    console.log(footfall.output, footfall.logs());
    await footfall.stop();
    throw error;
  }
}

/** Both ends of the way to the log: Redis with batches that it has not read, and who has sent them. */
async function killBoth(parts) {
  const { collect, [REDIS]: redis } = parts.children();
  signal(redis, 'SIGSTOP');
  await pause(random.between(...UNREAD_MS));
  kill('collect', collect);
  kill(REDIS, redis);
}

async function apart(seconds) {
  let proxy;
  const prepare = (parts) => {
    const redis = join(parts.data, 'redis', 'redis.sock');
    proxy = new CuttingProxy(join(parts.data, 'proxy.sock'), redis, new Random(SEED + 1), LATE_MS);
    parts.hasSecond = true;
    parts.collectorSocket = 'proxy.sock';
    parts.collectorVariables = () => ({ FOOTFALL_ACK_WAIT_MS: random.pick(ACK_WAIT_MS) });
  };
  const parts = await Parts.start({}, { prepare });
  const fault = async () => {
    const what = random.pick({ ...KILLED, [SECOND]: 1, both: 2, ...CUT });
    if (what === 'both') await killBoth(parts);
    else if (!(what in CUT)) await stopAndKill(what, parts.children()[what]);
    // What comes first when Redis is back is replayed: now and then that is cut.
    if (what in CUT) proxy.cutNext(what, random.between(1, CUTS_MAX));
    else if (what === REDIS || what === 'both') proxy.cutNext(random.pick(CUT), random.between(0, 1));
  };
  const result = await whileRunning(parts, () => torment(parts, 'apart', seconds, fault));
  proxy.close();
  return { ...result, cuts: proxy.counts, deaths: parts.deaths };
}

function served(seconds, footfall) {
  let left = DEATHS_A_SERVE; // it waits longer each time before it starts again what dies often
  const fault = async () => {
    const what = left-- > 0 ? random.pick(KILLED) : 'serve';
    const pid = what === 'serve' ? footfall.pid : footfall.children()[what];
    if (pid === undefined) return;
    const below = Object.values(footfall.children());
    await stopAndKill(what, pid);
    if (what !== 'serve') return;
    left = DEATHS_A_SERVE;
    await footfall.hasEnded();
    await until('its roles to end by themselves', () => !below.some(isThere), ENDED_MS);
    await footfall.launch();
  };
  return whileRunning(footfall, () => torment(footfall, 'served', seconds, fault));
}

const began = Date.now();
console.log(`seed ${SEED}`);
const ways = {
  apart: await apart(MINUTES * 60 * APART_SHARE),
  served: await served(MINUTES * 60 * (1 - APART_SHARE), await Footfall.start()),
};
const all = Object.values(ways);
const sum = (number) => all.reduce((total, way) => total + number(way), 0);
const killed = Object.values(kills).reduce((total, number) => total + number, 0);
const answered = byStatus(all.flatMap((way) => way.answers));
console.log(
  JSON.stringify({
    seed: SEED,
    seconds: Math.round((Date.now() - began) / 1000),
    sent: sum((way) => way.answers.length),
    204: answered[204] ?? 0,
    202: answered[202] ?? 0,
    503: answered[503] ?? 0,
    failed: answered[0] ?? 0,
    counted: sum((way) => way.counted),
    lost: sum((way) => way.lost.length),
    doubled: sum((way) => way.doubled.length),
    acceptedButGone: sum((way) => way.acceptedButGone.length),
    killed,
    kills,
    cuts: ways.apart.cuts,
  }),
);
for (const [name, way] of Object.entries(ways)) {
  for (const kind of ['lost', 'doubled', 'strange', 'refusedButCounted']) assert.deepEqual(way[kind], [], `${name}: ${kind}`);
  assert.equal(byStatus(way.answers).none, undefined, `${name}: every beacon is answered`);
}
assert.deepEqual(Object.keys(answered).filter((status) => !['0', '202', '204', '503'].includes(status)), []);
assert.deepEqual(ways.apart.deaths, {}, 'nothing ends but what was killed');
// Many come while the collector is down.
assert.ok(answered[204] > sum((way) => way.answers.length) / 4, 'many are answered 204');
assert.ok(killed >= MINUTES * KILLS_A_MINUTE_MIN, `${killed} kills`);
