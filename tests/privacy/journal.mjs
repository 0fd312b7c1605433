// What the journal of Redis tells of a single person. On a busy site, where ten views are mixed, no
// record at rest is of one view; on an idle site one view waits for its mix alone, and then the journal
// has its page and country beside each other until it is rewritten: docs/privacy.md admits it. After
// the rewrite no trace of order is left, nor the batch: that is searched for here.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Footfall, pause, until } from '../e2e/harness.mjs';
import { unpackedStrings } from './lzf.mjs';
import { HOUR_MS, MINUTE_MS } from './moved.mjs';

const SITE = 'journal.example';
const MIX_VIEWS = 10;
const VISITORS = 40;
const BATCH = Buffer.from([0x46, 0x42, 2, 1, SITE.length, ...Buffer.from(SITE)]); // how one of this site begins

async function withFootfall(env, work) {
  const footfall = await Footfall.start({ FOOTFALL_COLLECTOR_WORKERS: '1', ...env });
  try {
    await footfall.addSite(SITE);
    await footfall.settle();
    await work(footfall);
  } finally {
    assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
  }
}

const folder = (footfall, name) => join(footfall.data, name);

/** All files below, with their bytes: {name: Buffer}. */
function filesIn(path) {
  const files = {};
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) Object.assign(files, filesIn(join(path, entry.name)));
    else if (entry.isFile()) files[join(path, entry.name)] = readFileSync(join(path, entry.name));
  }
  return files;
}

const journal = (footfall) => filesIn(join(folder(footfall, 'redis'), 'appendonlydir'));
const spool = (footfall) => filesIn(folder(footfall, 'spool'));

/** The commands of the journal that hold all of these words, as lists of words. */
function commandsWith(files, ...words) {
  const found = [];
  for (const [name, bytes] of Object.entries(files)) {
    if (!name.endsWith('.aof')) continue;
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf('\r\n', at);
      const count = Number(bytes.toString('latin1', at + 1, end));
      at = end + 2;
      const parts = [];
      for (let i = 0; i < count; i++) {
        const close = bytes.indexOf('\r\n', at);
        const length = Number(bytes.toString('latin1', at + 1, close));
        parts.push(bytes.subarray(close + 2, close + 2 + length));
        at = close + 2 + length + 2;
      }
      const whole = Buffer.concat(parts);
      if (words.every((word) => whole.includes(word))) found.push(parts);
    }
  }
  return found;
}

const view = (footfall, path, at) =>
  footfall.view({ s: SITE, u: `http://${SITE}${path}`, r: 'https://referrer-of-one.example/' }, { 'x-forwarded-for': `81.2.69.${at}` });

async function rewrite(footfall) {
  await footfall.redis().command('BGREWRITEAOF');
  await until('the journal to be rewritten', async () => {
    const info = await footfall.redis().text('INFO', 'persistence');
    return /aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info) && /aof_last_bgrewrite_status:ok/.test(info);
  });
}

test('while it waits for its mix, a single view is nowhere at rest', async () => {
  await withFootfall({ FOOTFALL_MIX_VIEWS: `${MIX_VIEWS}`, FOOTFALL_MIX_SECONDS: '600' }, async (footfall) => {
    const { status } = await view(footfall, '/the-page-of-one', 1);
    assert.equal(status, 202, 'it is not promised to be durable');
    await pause(1500);
    for (const files of [journal(footfall), spool(footfall)])
      for (const [name, bytes] of Object.entries(files)) assert.ok(!bytes.includes('/the-page-of-one'), name);
    for (let at = 2; at < MIX_VIEWS; at++) await view(footfall, '/a-page', at);
    await pause(500);
    assert.equal(commandsWith(journal(footfall), '/the-page-of-one').length, 0, 'nine are no mix');
    await view(footfall, '/a-page', MIX_VIEWS);
    await footfall.settle();
    const batches = commandsWith(journal(footfall), '/the-page-of-one').filter(([name]) => /^(xadd|fcall)$/i.test(String(name)));
    assert.equal(batches.length, 1, 'it left with nine others');
    assert.ok(batches.every((parts) => Buffer.concat(parts).includes('/a-page')));
  });
});

test('a view that is alone when all stops is in one batch, as the documents admit, until the rewrite', async () => {
  const privacy = readFileSync(new URL('../../docs/privacy.md', import.meta.url), 'utf8').replace(/\s+/g, ' ');
  assert.ok(privacy.includes('can hold one single view, and the journal of Redis then has its page and its country beside each other until it is rewritten'));
  await withFootfall({ FOOTFALL_MIX_VIEWS: `${MIX_VIEWS}`, FOOTFALL_MIX_SECONDS: '600' }, async (footfall) => {
    await view(footfall, '/the-page-of-one', 1);
    assert.deepEqual(await footfall.halt(), { code: 0, signal: null });
    const left = { ...journal(footfall), ...spool(footfall) };
    const holding = Object.values(left).filter((bytes) => bytes.includes('/the-page-of-one') && bytes.includes('referrer-of-one.example'));
    assert.ok(holding.length <= 1, 'in one place at the most');
    await footfall.launch();
    await until('it to be counted', async () => (await footfall.totals(SITE)).pageviews === 1);
    await footfall.settle();
    assert.ok(commandsWith(journal(footfall), '/the-page-of-one', 'referrer-of-one.example').length > 0, 'the search sees a joint row');
    await rewrite(footfall);
    assert.equal(commandsWith(journal(footfall), '/the-page-of-one', 'referrer-of-one.example').length, 0);
    for (const [name, bytes] of Object.entries(spool(footfall))) assert.ok(!bytes.includes('/the-page-of-one'), name);
  });
});

/**
 * The sums that are left after visitors came in this order, once the journal was rewritten: {key: fields}.
 * Estimates of visitors follow from the day's key, which is another one each time. The order of a
 * small hash's fields is that in which its values first occurred: docs/privacy.md says so of open days.
 */
async function leftAfter(order) {
  const left = {};
  await withFootfall({}, async (footfall) => {
    for (const at of order) await view(footfall, `/page/${at % 7}`, at);
    await footfall.settle();
    const before = Object.values(journal(footfall));
    assert.ok(before.some((bytes) => bytes.includes(BATCH)) && commandsWith(journal(footfall), 'ff:{0}:log').length >= VISITORS, 'before, each batch is there');
    await rewrite(footfall);
    const after = journal(footfall);
    assert.equal(commandsWith(after, 'ff:{0}:log').length, 0, 'no batch is left');
    for (const bytes of Object.values(after))
      for (const text of unpackedStrings(bytes)) assert.ok(!text.includes(BATCH), 'nor packed in the snapshot');
    assert.equal(await footfall.redis().command('XLEN', 'ff:{0}:log'), 0, 'the log is cut behind the cursor');
    for (const key of await footfall.redis().keys()) {
      if (!key.includes(`:${SITE}:live:`)) continue;
      const hash = await footfall.redis().hash(key);
      left[key.replace(/\d{8}/, 'date')] = [...hash].filter(([field]) => !/^[@u]/.test(field)).sort();
    }
  });
  return left;
}

test('after the rewrite no batch is left, and no sum tells in which order people came', async () => {
  const leftOfHourMs = HOUR_MS - (Date.now() % HOUR_MS); // all are to come in one hour
  if (leftOfHourMs < MINUTE_MS) await pause(leftOfHourMs);
  const order = Array.from({ length: VISITORS }, (_, at) => at + 1);
  assert.deepEqual(await leftAfter(order), await leftAfter([...order].reverse()));
});
