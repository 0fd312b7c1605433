// Redis's append-only file after a bad crash: `serve` says in a sentence what to do, and what it says
// works, as docs/operations.md tells it.
//   node damaged.mjs   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Footfall, UNHURRIED } from './harness.mjs';

const SITE = 'damaged.example';
const VIEWS = 20;
const ZEROS = 512; // what a file system leaves at the end of a file when the power goes

const folderOf = (footfall) => join(footfall.data, 'redis', 'appendonlydir');
const fileOf = (footfall, kind) => join(folderOf(footfall), readdirSync(folderOf(footfall)).find((name) => name.endsWith(kind)));

/** Stopped, with some views counted. */
async function withCounts(body) {
  const footfall = await Footfall.start(UNHURRIED);
  try {
    await footfall.addSite(SITE);
    for (let number = 0; number < VIEWS; number++)
      assert.equal((await footfall.view({ s: SITE, u: `http://${SITE}/${'abcdefghijklmnopqrstuvwxyz'[number]}` })).status, 204);
    await footfall.settle();
    assert.deepEqual(await footfall.halt(), { code: 0, signal: null });
    await body(footfall);
  } finally {
    await footfall.stop();
  }
}

/** `serve` must end with exit code 1 and these words. */
async function assertRefused(footfall, ...words) {
  const before = footfall.output.length;
  const error = await footfall.launch().then(() => null, (reason) => reason);
  assert.ok(error, 'it starts on a damaged file');
  assert.deepEqual(footfall.how, { code: 1, signal: null });
  const said = footfall.output.slice(before);
  for (const word of words) assert.ok(said.includes(word), `"${word}" is not in:\n${said}`);
  assert.doesNotMatch(said, /It said:/);
}

/** As `serve` and docs/operations.md say. */
function repair(footfall) {
  const folder = folderOf(footfall);
  cpSync(folder, `${folder}.copy`, { recursive: true });
  const run = spawnSync('redis-check-aof', ['--fix', 'appendonly.aof.manifest'], { cwd: folder, input: 'y\n', encoding: 'utf8' });
  assert.equal(run.status, 0, `${run.stdout}${run.stderr}`);
}

test('zeros at the end are cut off, and nothing is lost', async () => {
  await withCounts(async (footfall) => {
    appendFileSync(fileOf(footfall, '.incr.aof'), Buffer.alloc(ZEROS));
    await assertRefused(footfall, 'redis-check-aof --fix appendonly.aof.manifest', footfall.data);
    repair(footfall);
    await footfall.launch();
    await footfall.settle();
    assert.equal((await footfall.totals(SITE)).pageviews, VIEWS);
  });
});

test('from a flipped byte on all is cut off, and what stands before it stays', async () => {
  await withCounts(async (footfall) => {
    const file = fileOf(footfall, '.incr.aof');
    const bytes = readFileSync(file);
    const at = bytes.lastIndexOf('*'); // the last command's first byte
    bytes[at] ^= 1;
    writeFileSync(file, bytes);
    await assertRefused(footfall, 'redis-check-aof --fix appendonly.aof.manifest');
    repair(footfall);
    await footfall.launch();
    await footfall.settle();
    const { pageviews } = await footfall.totals(SITE);
    assert.ok(pageviews > 0 && pageviews <= VIEWS, `${pageviews} page views are left`);
    assert.equal((await footfall.view({ s: SITE, u: `http://${SITE}/z` })).status, 204);
  });
});

test('a missing file is said to be missing, and its backup is good again', async () => {
  await withCounts(async (footfall) => {
    const file = fileOf(footfall, '.incr.aof');
    const backup = readFileSync(file);
    rmSync(file);
    await assertRefused(footfall, 'is missing', 'backup');
    writeFileSync(file, backup);
    await footfall.launch();
    await footfall.settle();
    assert.equal((await footfall.totals(SITE)).pageviews, VIEWS);
  });
});

test('a damaged base cannot be repaired, and is said to be damaged', async () => {
  await withCounts(async (footfall) => {
    const file = fileOf(footfall, '.base.rdb');
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] ^= 1; // of its checksum
    writeFileSync(file, bytes);
    await assertRefused(footfall, 'is damaged', 'backup');
  });
});

test('a damaged list of files is said to be damaged', async () => {
  await withCounts(async (footfall) => {
    const file = fileOf(footfall, '.manifest');
    writeFileSync(file, 'file nonsense\n');
    await assertRefused(footfall, 'The list of its files', 'backup');
  });
});
