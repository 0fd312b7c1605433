// `footfall quarantine`: what could not be counted is listed, put back once, or discarded; and
// `footfall check` tells of it.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Footfall, UNHURRIED, until } from './harness.mjs';

const SITE = 'quarantine.example';
const LOG = 'ff:{0}:log';
const QUARANTINE = 'ff:{0}:quarantine';

async function withFootfall(work) {
  const footfall = await Footfall.start(UNHURRIED);
  try {
    await footfall.addSite(SITE);
    await footfall.settle();
    await work(footfall, (...words) => footfall.command('quarantine', ...words, '--data', footfall.data));
  } finally {
    await footfall.stop();
  }
}

const inQuarantine = (footfall) => footfall.redis().command('XLEN', QUARANTINE);

/** The fields of a real batch of one view, which stays in the log and is counted. */
async function batchOf(footfall) {
  const { aggregate } = footfall.children();
  process.kill(aggregate, 'SIGSTOP');
  assert.equal((await footfall.view({ s: SITE, u: `http://${SITE}/kept` })).status, 204);
  const fields = await until('its batch', async () => {
    const entries = await footfall.redis().command('XRANGE', LOG, '-', '+');
    return entries.find(([, each]) => each.some((field) => field.includes('/kept')))?.[1];
  });
  process.kill(aggregate, 'SIGCONT');
  await footfall.settle();
  return fields;
}

test('what cannot be read is listed and discarded, and the rest is counted', async () => {
  await withFootfall(async (footfall, quarantine) => {
    assert.deepEqual(quarantine(), { code: 0, out: 'Nothing is in quarantine.\n', error: '' });
    const redis = footfall.redis();
    await redis.command('XADD', LOG, '*', 'w', '00f1e2d3c4b5a697', 'n', 1, 'p', 'no batch at all');
    await redis.command('XADD', LOG, '*', 'x', 'y');
    assert.equal((await footfall.view({ s: SITE, u: `http://${SITE}/` })).status, 204);
    await footfall.settle();
    await until('both to step aside', async () => (await inQuarantine(footfall)) === 2);
    assert.equal((await footfall.totals(SITE)).pageviews, 1);

    const list = quarantine();
    assert.equal(list.code, 0);
    assert.match(list.out, /^\d+-\d+, which came 20\S+Z, is here since 20\S+Z: not a batch$/m);
    assert.match(list.out, /: append did not write it\n {4}no collector wrote it: it can only be discarded$/m);
    assert.match(list.out, /^In quarantine, not counted: 2\./m);
    assert.doesNotMatch(list.out + footfall.logs(), /no batch at all/);
    const check = footfall.command('check', '--data', footfall.data);
    assert.equal(check.code, 1);
    assert.match(check.out, /^TROUBLE +Batches that could not be counted are in quarantine: 2\. `footfall quarantine` lists/m);

    // One comes back to where it was, the other one stays.
    const retry = quarantine('--retry');
    assert.equal(retry.code, 1);
    assert.match(retry.out, /^Back in the log: 1\./m);
    assert.match(retry.out, /^Still here, since no collector wrote them: 1\./m);
    await until('it to step aside again', async () => (await inQuarantine(footfall)) === 2);

    assert.deepEqual(quarantine('--discard'), { code: 0, out: 'Discarded: 2.\n', error: '' });
    assert.equal(quarantine().out, 'Nothing is in quarantine.\n');
    const well = footfall.command('check', '--data', footfall.data);
    assert.match(well.out, /^good +Nothing is in quarantine\.$/m);
    assert.equal(well.code, 0);
    assert.equal((await footfall.totals(SITE)).pageviews, 1);
  });
});

test('what is put back is counted once', async () => {
  await withFootfall(async (footfall, quarantine) => {
    const fields = await batchOf(footfall);
    assert.equal((await footfall.totals(SITE)).pageviews, 1);
    await footfall.redis().command('XADD', QUARANTINE, '*', 'e', '5-0', 'r', 'a stored sketch is corrupt', ...fields);
    assert.match(quarantine().out, new RegExp(`^ {4}1 views and events of ${SITE} on 20\\d\\d-\\d\\d-\\d\\d$`, 'm'));
    const retry = quarantine('--retry');
    assert.equal(retry.code, 0, retry.error);
    assert.match(retry.out, /^Back in the log: 1\./m);
    assert.equal(quarantine('--retry').out, 'Nothing is in quarantine.\n');
    await footfall.settle();
    assert.equal((await footfall.totals(SITE)).pageviews, 2);
  });
});

test('a wish that makes no sense is misuse, and without Redis it says so', async () => {
  const footfall = await Footfall.start();
  const data = ['--data', footfall.data];
  try {
    assert.equal(footfall.command('quarantine', '--retry', '--discard', ...data).code, 2);
    assert.equal(footfall.command('quarantine', 'all', ...data).code, 2);
    assert.equal(footfall.command('quarantine', '--bogus').code, 2);
    const help = footfall.command('quarantine', '--help');
    assert.equal(help.code, 0);
    assert.match(help.out, /^usage: footfall quarantine \[--retry \| --discard\]/);
    await footfall.halt();
    const away = footfall.command('quarantine', ...data);
    assert.equal(away.code, 1);
    assert.match(away.error, /^footfall: Redis at .*\nIs `footfall serve` running on this data folder\?$/m);
    assert.equal(away.out, '');
  } finally {
    await footfall.stop();
  }
});
