// What is counted survives: processes are killed under load, and what was answered 204 is counted
// exactly once, everything else at most once; a clean stop loses nothing.
//   node restart.mjs   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Footfall, pause, until } from './harness.mjs';

const SITE = 'restart.example';
const CLIENTS = 8;
const PAGES_MAX = 1800; // a site's table of pages has 2,000 places
const BETWEEN_MS = 40; // of one client's views
const STOPPED_MS = 50; // half of what an answer waits for the store

/** A page that nobody else views, and whose name is no number. */
const pageOf = (number) => `/page-${number.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[digit])}-${number % 7}`;

/** Views of unique pages, until stop(): {page: status}, 0 where no answer came. */
function startLoad(footfall) {
  const answers = new Map();
  let stopped = false;
  const client = async (index) => {
    while (!stopped && answers.size < PAGES_MAX) {
      const page = pageOf(answers.size);
      answers.set(page, 0);
      const from = { 'x-forwarded-for': `203.0.${index}.${answers.size % 250}` };
      const reply = await footfall.view({ s: SITE, u: `http://${SITE}${page}` }, from).catch(() => ({ status: 0 }));
      answers.set(page, reply.status);
      await pause(reply.status === 0 ? 10 * BETWEEN_MS : BETWEEN_MS);
    }
  };
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)));
  const stop = async () => {
    stopped = true;
    await clients;
    return answers;
  };
  return { answers, stop };
}

/** Fails, naming the pages, unless 204 is exactly once and anything else at most once. */
async function compare(footfall, answers) {
  const counted = () => footfall.by(SITE, 'event:page', 'pageviews');
  const lost = (rows) => [...answers].filter(([page, status]) => status === 204 && rows[page] !== 1).map(([page]) => page);
  await until('every durable view', async () => lost(await counted()).length === 0).catch(async () => {
    const rows = await counted();
    assert.deepEqual(lost(rows).map((page) => `${page}: ${rows[page] ?? 0}`), [], 'answered 204');
  });
  await footfall.settle();
  const rows = await counted();
  assert.deepEqual(lost(rows), []);
  assert.deepEqual(Object.entries(rows).filter(([page, views]) => views !== 1 || !answers.has(page)), []);
  const { pageviews } = await footfall.totals(SITE);
  assert.equal(pageviews, Object.keys(rows).length);
  const tally = {};
  for (const status of answers.values()) tally[status] = (tally[status] ?? 0) + 1;
  console.log(`${answers.size} views, answered ${JSON.stringify(tally)}, counted ${pageviews}`);
  return tally;
}

/** Waits until a process of this role has another id than `old`, and all of it answers again. */
async function isBack(footfall, role, old) {
  await until(
    `${role} to be back`,
    async () => {
      const now = footfall.children()[role];
      const answers = () => footfall.totals(SITE).then(() => true, () => false);
      return now && now !== old && (await footfall.isReady()) && (await answers());
    },
    30_000,
  );
}

async function withFootfall(env, body) {
  const footfall = await Footfall.start(env);
  try {
    await footfall.addSite(SITE);
    await body(footfall);
    assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
  } catch (error) {
    console.log(footfall.output, footfall.logs());
    await footfall.stop();
    throw error;
  }
}

for (const role of ['collect', 'aggregate', 'redis-server', 'dashboards'])
  test(`${role} is killed three times under load`, async () => {
    await withFootfall({}, async (footfall) => {
      const load = startLoad(footfall);
      for (let round = 0; round < 3; round++) {
        await until('some views', () => load.answers.size > 60 * (round + 1));
        const victim = footfall.children()[role];
        // Stopped for a moment it dies with questions that it has not answered, nor obeyed.
        if (round > 0) {
          process.kill(victim, 'SIGSTOP');
          await pause(STOPPED_MS);
        }
        process.kill(victim, 'SIGKILL');
        await isBack(footfall, role, victim);
      }
      const before = load.answers.size;
      await until('more views', () => load.answers.size > before + 60);
      const tally = await compare(footfall, await load.stop());
      assert.ok(tally[204] > 100, 'most views are answered 204');
      if (role === 'aggregate' || role === 'dashboards') assert.deepEqual(Object.keys(tally).filter((s) => !['202', '204'].includes(s)), []);
    });
  });

test('the supervisor is killed under load, and starts again on the same folder', async () => {
  await withFootfall({}, async (footfall) => {
    const load = startLoad(footfall);
    await until('some views', () => load.answers.size > 100);
    const children = Object.values(footfall.children());
    process.kill(footfall.pid, 'SIGKILL');
    const isThere = (pid) => {
      try {
        process.kill(pid, 0);
        return true;
      } catch {
        return false;
      }
    };
    await until('the rest to end by itself', () => !children.some(isThere), 40_000);
    await footfall.launch();
    const before = load.answers.size;
    await until('more views', () => load.answers.size > before + 60);
    await compare(footfall, await load.stop());
  });
});

test('a clean stop loses nothing that is open', async () => {
  const sites = [SITE, 'second.example', 'third.example'];
  await withFootfall({ FOOTFALL_MIX_VIEWS: '10000', FOOTFALL_MIX_SECONDS: '600', FOOTFALL_ACK_WAIT_MS: '10' }, async (footfall) => {
    for (const site of sites.slice(1)) await footfall.addSite(site);
    for (let number = 0; number < 90; number++) {
      const site = sites[number % sites.length];
      const from = { 'x-forwarded-for': `203.0.113.${number}`, connection: 'close' };
      const reply = await footfall.view({ s: site, u: `http://${site}${pageOf(number)}` }, from);
      assert.equal(reply.status, 202);
    }
    for (const site of sites) assert.deepEqual(await footfall.stored(site, 'page'), {}, 'nothing is at rest yet');
    assert.deepEqual(await footfall.halt(), { code: 0, signal: null });
    await footfall.launch();
    await footfall.settle();
    for (const [index, site] of sites.entries()) {
      const expected = {};
      for (let number = index; number < 90; number += sites.length) expected[pageOf(number)] = 1;
      assert.deepEqual(await footfall.by(site, 'event:page', 'pageviews'), expected);
      assert.deepEqual(await footfall.totals(site, ['visits', 'pageviews', 'bounce_rate']), { visits: 30, pageviews: 30, bounce_rate: 100 });
    }
  });
});
