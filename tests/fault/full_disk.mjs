// Disks that fill up under load. Below Redis's journal: Redis ends itself and cannot stay up, beacons
// are answered 204 from the spool's disk, and when there is room again every one of them is counted
// once. Below the spool, while Redis hangs: nothing is called durable then, the operator is told, and
// nothing is lost as long as the collector lives. Two small disks in a mount namespace of the test's
// own; one line of JSON for each.
//   node full_disk.mjs [--seconds N]   with FOOTFALL set to the executable; ends with 77 where it may
//   not mount

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Footfall, pause, until } from '../e2e/harness.mjs';
import { Load, PATIENT, assertDurable, assertInTime, badChecks, byStatus, quantileMs, quiet, reckon, sitesFor } from './load.mjs';
import { REDIS } from './parts.mjs';
import { isAsked, option } from './random.mjs';
import { Stalls } from './stalls.mjs';

const SECONDS = option('seconds', 2);
const DISKS = { redis: 64 + 6 * SECONDS, spool: 8 + SECONDS }; // folders and their MiB: several times what they take
const CLIENTS = 16;
const BETWEEN_MS = 40; // of one client's views
const WELL_MS = 700; // in front of it and behind it
const P99_MS_MAX = 250;
const TOLD_MS_MAX = 5000; // the operator, of what is not durable
const TRIED_AGAIN_MS = 3000; // the spool's disk, and then some
const SKIPPED = 77;

/** Runs this program again where it may mount what nobody else sees. */
function inNamespace() {
  const words = ['unshare', ...(process.getuid() === 0 ? [] : ['--map-root-user']), '--mount'];
  const run = (more, options) => spawnSync('setpriv', ['--pdeathsig', 'KILL', ...words, ...more], options);
  const mounts = run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/mnt'], { encoding: 'utf8' });
  if (mounts.status !== 0) {
    console.log(`skipped: ${mounts.stderr?.trim() ?? mounts.error}`);
    return SKIPPED;
  }
  const self = [process.execPath, fileURLToPath(import.meta.url), '--inside', ...process.argv.slice(2)];
  return run(self, { stdio: 'inherit' }).status ?? 1;
}

function mountDisks(footfall) {
  for (const [name, size] of Object.entries(DISKS)) {
    const folder = join(footfall.data, name);
    mkdirSync(folder);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}m`, 'tmpfs', folder]);
    assert.equal(mounted.status, 0);
  }
}

const ballast = (footfall, name) => join(footfall.data, name, 'ballast');

function fill(footfall, name) {
  for (let bytes = 1 << 20; bytes >= 1; ) {
    try {
      appendFileSync(ballast(footfall, name), Buffer.alloc(bytes, 1));
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
      bytes >>= 1;
    }
  }
}

const empty = (footfall, name) => rmSync(ballast(footfall, name));

const isDuring = (from, to) => ({ at, ms }) => at + ms >= from && at <= to;

function startLoad(footfall, name, seconds) {
  const sites = sitesFor(name, ((seconds * 1000 + 4 * WELL_MS) * CLIENTS) / BETWEEN_MS + CLIENTS);
  return footfall.addSites(sites).then(() => new Load(footfall, sites, { clients: CLIENTS, betweenMs: BETWEEN_MS }));
}

/** Prints what came of it, and fails when anything that was answered is not counted once. */
async function tell(footfall, answers, what) {
  await quiet(footfall);
  const { counted, ...pages } = await reckon(footfall, answers);
  console.log(JSON.stringify({ ...what, all_sent: answers.length, counted, lost: pages.lost.length, doubled: pages.doubled.length }));
  for (const [kind, found] of Object.entries(pages)) assert.deepEqual(found, [], `${what.full}: ${kind}`);
}

async function belowJournal(footfall) {
  const load = await startLoad(footfall, 'journal', SECONDS);
  await pause(WELL_MS);
  const before = footfall.children()[REDIS];
  const stalls = new Stalls(footfall.data);
  const from = performance.now();
  fill(footfall, 'redis');
  await until('Redis to end itself', () => footfall.children()[REDIS] !== before);
  await pause(SECONDS * 1000);
  const to = performance.now();
  await stalls.stop();
  empty(footfall, 'redis');
  await pause(WELL_MS);
  const answers = await load.stop();
  const during = answers.filter(isDuring(from, to));
  const times = { p99_ms: quantileMs(during, 0.99), disk_worst_ms: stalls.worstMs };
  await tell(footfall, answers, { full: 'disk of the journal', seconds: SECONDS, answers: byStatus(during), ...times });
  assertInTime(assertDurable(during, stalls, 'no room for the journal'), P99_MS_MAX, 'no room for the journal');
}

async function belowSpool(footfall) {
  const load = await startLoad(footfall, 'spool', SECONDS + (TOLD_MS_MAX + TRIED_AGAIN_MS) / 1000);
  await pause(WELL_MS);
  await until('all to be told durable', async () => !(await badChecks(footfall)).includes('durable'));
  const server = footfall.children()[REDIS];
  const stalls = new Stalls(footfall.data);
  fill(footfall, 'spool');
  process.kill(server, 'SIGSTOP');
  const stopped = performance.now();
  const isTold = (bad) => bad.includes('durable') && bad.includes('spool_disk');
  await until('the operator to be told', async () => isTold(await badChecks(footfall)), TOLD_MS_MAX);
  await pause((SECONDS * 1000) / 2);
  const full = performance.now();
  empty(footfall, 'spool');
  await pause(TRIED_AGAIN_MS);
  const roomy = performance.now();
  await pause((SECONDS * 1000) / 2);
  const end = performance.now();
  await stalls.stop();
  process.kill(server, 'SIGCONT');
  await pause(WELL_MS);
  const answers = await load.stop();
  const spent = answers.filter(({ at, ms }) => at > stopped && at + ms < full);
  const after = answers.filter(({ at, ms }) => at > roomy && at + ms < end);
  await tell(footfall, answers, { full: 'disk of the spool', seconds: SECONDS, answers: byStatus(spent), with_room_again: byStatus(after), disk_worst_ms: stalls.worstMs });
  assert.deepEqual(byStatus(spent), { 202: spent.length }, 'nothing is durable');
  assertInTime(assertDurable(after, stalls, 'there is room again'), P99_MS_MAX, 'there is room again');
}

async function inside() {
  const footfall = await Footfall.start(PATIENT, { prepare: mountDisks });
  const unmount = () => Object.keys(DISKS).forEach((name) => spawnSync('umount', ['--lazy', join(footfall.data, name)]));
  try {
    await belowSpool(footfall);
    await belowJournal(footfall);
    assert.deepEqual(await footfall.halt(), { code: 0, signal: null });
  } catch (error) {
    const server = footfall.children()[REDIS];
    if (server !== undefined) process.kill(server, 'SIGCONT'); // or it could not end
    console.log(footfall.output, footfall.logs());
    await footfall.halt();
    throw error;
  } finally {
    unmount();
  }
}

if (isAsked('inside')) await inside();
else process.exitCode = inNamespace();
