// Clocks that are set and days that end while all runs: whatever the clock does, a view counts once, on
// the site's date of its moment; days that are over stay as they were but for views that were on their
// way; keys expire as the inventory says; and what must be alone refuses a second one.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { until } from '../e2e/harness.mjs';
import { DAY_MS, HOUR_MS, MovedClock, totalsByDate } from './moved.mjs';

const SITE = 'clocks.example';
const MIXED = { FOOTFALL_MIX_VIEWS: '100', FOOTFALL_MIX_SECONDS: '60' };

async function withClock(time, env, work) {
  const clock = new MovedClock();
  clock.set(time);
  const footfall = await clock.start(env);
  try {
    await footfall.addSite(SITE, { timezone: 'UTC' });
    await work(footfall, clock);
  } finally {
    assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
  }
}

async function views(footfall, count, from = 0) {
  for (let at = from; at < from + count; at++) {
    const { status } = await footfall.view({ s: SITE, u: `http://${SITE}/${at % 5}` }, { 'x-forwarded-for': `81.2.69.${at % 250}` });
    assert.ok(status === 204 || status === 202, `status ${status}`);
  }
}

const viewsByDate = async (footfall, clock) =>
  Object.fromEntries(Object.entries(await totalsByDate(footfall, SITE, clock)).map(([date, { pageviews }]) => [date, pageviews]));

function assertAuditPasses(footfall) {
  const { code, out } = footfall.command('audit', '--data', footfall.data, '--json');
  assert.deepEqual(JSON.parse(out).breaches, []);
  assert.equal(code, 0);
}

/** All that is counted becomes visible, though it is mixed first. */
async function total(footfall, clock, wanted) {
  await until('all views to be counted', async () => {
    const counted = Object.values(await viewsByDate(footfall, clock)).reduce((sum, each) => sum + each, 0);
    assert.ok(counted <= wanted, `${counted} of ${wanted} counted`);
    return counted === wanted;
  });
  await footfall.settle();
  return viewsByDate(footfall, clock);
}

test('the clock jumps a day ahead, back, and a day further back', async () => {
  await withClock('12:00:00', {}, async (footfall, clock) => {
    const expected = {};
    let sent = 0;
    for (const jump of [0, DAY_MS, -DAY_MS, -DAY_MS, 2 * DAY_MS]) {
      clock.jump(jump);
      await views(footfall, 20, sent);
      sent += 20;
      expected[clock.date()] = (expected[clock.date()] ?? 0) + 20;
      await footfall.settle();
    }
    // What is ahead of the clock is not shown before its day, so it is asked at the end.
    assert.deepEqual(await total(footfall, clock, sent), expected);
    assert.equal(Object.keys(expected).length, 3);
    assertAuditPasses(footfall);
  });
});

test('midnight comes while views are mixed: each is on its own date', async () => {
  await withClock('23:50:00', MIXED, async (footfall, clock) => {
    const yesterday = clock.date();
    await views(footfall, 7);
    clock.pass(HOUR_MS / 4);
    const today = clock.date();
    assert.notEqual(today, yesterday);
    await views(footfall, 9);
    clock.pass(2 * 60_000); // the mix is ripe by its age
    assert.deepEqual(await total(footfall, clock, 16), { [yesterday]: 7, [today]: 9 });
    const visits = Object.values(await totalsByDate(footfall, SITE, clock)).map((sums) => sums.visits);
    assert.deepEqual(visits, [7, 9], 'midnight starts new visits');
    assertAuditPasses(footfall);
  });
});

test('a day that is over becomes a record, by which it adds up; its sketches and counters go', async () => {
  await withClock('23:50:00', {}, async (footfall, clock) => {
    const yesterday = clock.date();
    await views(footfall, 40);
    assert.deepEqual(await total(footfall, clock, 40), { [yesterday]: 40 });
    clock.pass(HOUR_MS / 2);
    const sealed = () => JSON.parse(footfall.command('audit', '--data', footfall.data, '--json').out).days.sealed;
    await until('the day to close', () => {
      clock.pass(2 * 60_000); // it is looked at again, and was quiet meanwhile
      return sealed() === 1;
    });
    assertAuditPasses(footfall);
    const left = (await footfall.redis().keys()).filter((key) => key.includes(`:${SITE}:`) && !/:(day|names):/.test(key));
    assert.deepEqual(left, []);
  });
});

test('a restart over midnight loses nothing, and mixes no two days', async () => {
  await withClock('23:58:00', MIXED, async (footfall, clock) => {
    const yesterday = clock.date();
    await views(footfall, 11);
    assert.deepEqual(await footfall.halt(), { code: 0, signal: null });
    clock.pass(HOUR_MS / 6);
    await footfall.launch();
    await views(footfall, 13);
    clock.pass(2 * 60_000);
    assert.deepEqual(await total(footfall, clock, 24), { [yesterday]: 11, [clock.date()]: 13 });
    assertAuditPasses(footfall);
  });
});

test('each key of a day expires when the documents say', async () => {
  await withClock('12:00:00', {}, async (footfall, clock) => {
    await views(footfall, 10);
    await total(footfall, clock, 10);
    const end = Math.floor(clock.now() / DAY_MS) * DAY_MS + DAY_MS;
    const KEPT_MS = { seen: 15 * HOUR_MS, live: 762 * DAY_MS, drops: 762 * DAY_MS };
    const kinds = {};
    for (const key of (await footfall.redis().keys()).filter((name) => name.includes(`:${SITE}:`))) {
      const kind = key.split(':')[3];
      kinds[kind] = (kinds[kind] ?? 0) + 1;
      assert.equal(await footfall.redis().command('PEXPIRETIME', Buffer.from(key, 'latin1')), end + KEPT_MS[kind], key);
    }
    assert.ok(kinds.seen > 5 && kinds.live > 10);
    assertAuditPasses(footfall);
  });
});

test('a second one on the same folder refuses, whole or collector alone', async () => {
  await withClock('12:00:00', {}, async (footfall, clock) => {
    await views(footfall, 5);
    for (const words of [['serve', '--collector-listen', '127.0.0.1:0', '--dashboards-listen', '127.0.0.1:0'], ['collect']]) {
      const env = { ...process.env, ...footfall.env, FOOTFALL_COLLECTOR_LISTEN: '127.0.0.1:0' };
      const second = spawnSync(process.env.FOOTFALL, [...words, '--data', footfall.data], { env, encoding: 'utf8', timeout: 60_000 });
      assert.equal(second.status, 1, `${words[0]}: ${second.stderr}`);
      assert.match(second.stdout + second.stderr, words[0] === 'serve' ? /served|runs|already/ : /spool/);
    }
    footfall.hangUp(); // its connections were idle for as long as that took
    await views(footfall, 5, 5);
    assert.deepEqual(Object.values(await total(footfall, clock, 10)), [10]);
  });
});
