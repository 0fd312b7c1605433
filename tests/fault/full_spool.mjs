// The spool has a bound, and so has memory: while Redis is away and beacons go on coming, they are
// answered 204 until the spool is full, 202 until memory is, and then 503; and when Redis is back all
// of the first two are counted once, and of the last none but as `no_room`. One line of JSON.
//   node full_spool.mjs   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { pause, until } from '../e2e/harness.mjs';
import { Load, SITE_PAGES_MAX, badChecks, byStatus, quiet, reckon, sitesFor } from './load.mjs';
import { Parts, REDIS } from './parts.mjs';
import { figures, percentile } from './watch.mjs';

const SPOOL_BYTES_MAX = 4 << 20; // the least that may be set
const QUEUE_BYTES_MAX = 16 << 20; // of a worker, WRITER_QUEUE_BYTES_MAX
const SECTION_BYTES_MAX = 1 << 20;
const CLIENTS = 120;
const SITES = 16;
const TAIL = '/many-words'.repeat(40); // large batches, from few beacons
const REFUSED_MIN = 200;
const FULL_MS_MAX = 60_000;
const TOLD = ['durable', 'spool_room', 'room']; // to the operator, as bad
const TOLD_MS_MAX = 20_000;
const NO_ROOM = { connection: 'close', 'x-forwarded-for': '198.51.100.1' };

/** What a beacon says that makes it large. */
const campaign = (number) => {
  const tags = ['source', 'medium', 'campaign', 'content', 'term'].map((tag) => [`utm_${tag}`, `${tag}-${number}-`.padEnd(110, 'word-')]);
  return new URLSearchParams(tags).toString();
};

/** The most that was seen of each, and what ends the looking. */
function watch(parts) {
  const most = { spool: 0, queue: 0 };
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      most.spool = Math.max(most.spool, parts.spooled().reduce((sum, file) => sum + file.bytes, 0));
      most.queue = Math.max(most.queue, (await figures(parts, 'collect')).footfall_collector_queued_bytes);
      await pause(200);
    }
  })();
  const stop = () => {
    stopped = true;
    return watching;
  };
  return { most, stop };
}

const isFull = ({ spool, queue }) => spool > 0.8 * SPOOL_BYTES_MAX && queue > 0.8 * QUEUE_BYTES_MAX;

async function fillUp(parts) {
  const sites = sitesFor('full', SITES * SITE_PAGES_MAX);
  await parts.addSites(sites);
  const { most, stop } = watch(parts);
  await parts.take(REDIS);
  const fields = (number, site, page) => ({ u: `http://${site}${page}?${campaign(number)}` });
  const load = new Load(parts, sites, { clients: CLIENTS, betweenMs: 0, tail: TAIL, fields });
  const refused = () => load.answers.filter(({ status }) => status === 503).length >= REFUSED_MIN;
  await until('memory to be full', refused, FULL_MS_MAX);
  const isTold = (bad) => TOLD.every((name) => bad.includes(name));
  await until('the operator to be told', async () => isTold(await badChecks(parts)), TOLD_MS_MAX);
  await until('spool and queue to be told as full', () => isFull(most), TOLD_MS_MAX);
  const answers = await load.stop();
  await stop();
  parts.bring(REDIS);
  await parts.isBack();
  return { sites, answers, most };
}

/** How many the sites' own drops say were not counted for want of room. */
async function noRoom(parts, sites) {
  // The next beacon of a site that finds room brings them along.
  for (const site of sites) assert.ok([202, 204].includes((await parts.view({ s: site, u: `http://${site}/` }, NO_ROOM)).status));
  await parts.settle();
  const drops = await Promise.all(sites.map((site) => parts.by(site, 'event:drop_reason', 'events')));
  return drops.reduce((sum, { no_room: number = 0 }) => sum + number, 0);
}

async function run(parts) {
  const { sites, answers, most } = await fillUp(parts);
  await quiet(parts);
  const { counted, ...pages } = await reckon(parts, answers);
  const dropped = await noRoom(parts, sites);
  const statuses = byStatus(answers);
  console.log(JSON.stringify({ sent: answers.length, answers: statuses, counted, lost: pages.lost.length, doubled: pages.doubled.length, no_room: dropped, most }));
  for (const [kind, found] of Object.entries(pages)) assert.deepEqual(found, [], kind);
  assert.deepEqual(Object.keys(statuses), ['202', '204', '503']);
  assert.equal(counted, statuses[202] + statuses[204]);
  assert.equal(dropped, statuses[503]);
  const middle = (status) => percentile(answers.flatMap((answer, at) => (answer.status === status ? [at] : [])), 0.5);
  const order = [204, 202, 503].map(middle); // by the middle ones: a slow disk makes single ones late
  assert.deepEqual([...order].sort((a, b) => a - b), order, 'first durable, then accepted, then refused');
  assert.ok(most.spool <= SPOOL_BYTES_MAX, `${most.spool} bytes of spool`);
  assert.ok(most.queue <= QUEUE_BYTES_MAX + SECTION_BYTES_MAX, `${most.queue} bytes of queue`);
}

const parts = await Parts.start({
  FOOTFALL_SPOOL_BYTES_MAX: String(SPOOL_BYTES_MAX),
  FOOTFALL_COLLECTOR_WORKERS: '1',
  FOOTFALL_ACK_WAIT_MS: '60', // the sooner a client is told 202, the sooner all is full
});
try {
  await run(parts);
  assert.deepEqual(parts.deaths, {}, 'nothing ended but what was killed');
  assert.deepEqual(await parts.stop(), { code: 0, signal: null });
} catch (error) {
  console.log(parts.output, parts.logs());
  await parts.stop();
  throw error;
}
