// The disk fills up while Footfall runs, and before it starts: Redis, which ends rather than promise
// what it cannot keep, is started again and again, the operator reads why, and when there is room all
// goes on by itself, with every count exact.
//   node disk_full.mjs   with FOOTFALL set to the executable; ends with 77 where no disk can be made

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const SITE = 'full.example';
const DISK_MB = 48;
const SKIPPED = 77;

/** Once more, as a process that has mounts of its own, with a small disk for temporary files. */
function runOnSmallDisk() {
  const disk = mkdtempSync(join(tmpdir(), 'footfall-disk-'));
  const mount = `mount -t tmpfs -o size=${DISK_MB}m tmpfs "$0" || exit ${SKIPPED}; exec "$@"`;
  const words = ['--mount', '--propagation', 'private', 'sh', '-c', mount, disk, process.execPath, fileURLToPath(import.meta.url)];
  const run = spawnSync('unshare', words, { env: { ...process.env, TMPDIR: disk, SMALL_DISK: disk }, encoding: 'utf8' });
  rmSync(disk, { recursive: true, force: true });
  console.log(run.stdout, run.stderr);
  const refused = run.status === 1 && /unshare/.test(run.stderr ?? '');
  if (run.error || refused || run.status === SKIPPED) {
    console.log('skipped: no small disk can be mounted.');
    process.exit(SKIPPED);
  }
  process.exit(run.status ?? 1);
}

if (!process.env.SMALL_DISK) runOnSmallDisk();
const { Footfall, pause, until } = await import('./harness.mjs');
const filler = join(process.env.SMALL_DISK, 'filler');

function fill() {
  const file = openSync(filler, 'a');
  try {
    for (const size of [1 << 20, 4096, 1])
      for (;;) if (writeSync(file, Buffer.alloc(size)) < size) break;
  } catch (error) {
    if (error.code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

/** Fills it to the last byte: each size fails once. */
function fillUp() {
  for (let round = 0; round < 3; round++) fill();
}

const nameOf = (number) => [...number.toString()].map((digit) => 'abcdefghij'[digit]).join('');

class Views {
  answers = new Map();

  constructor(footfall) {
    this.footfall = footfall;
  }

  async send(count) {
    for (let number = 0; number < count; number++) {
      const page = `/${nameOf(this.answers.size)}`;
      const reply = await this.footfall.view({ s: SITE, u: `http://${SITE}${page}` }).catch(() => ({ status: 0 }));
      this.answers.set(page, reply.status);
    }
  }

  has(status, count) {
    return [...this.answers.values()].filter((each) => each === status).length >= count;
  }

  /** 204: exactly once. Anything else: at most once. */
  async assertCounts() {
    await this.footfall.settle();
    const rows = await this.footfall.by(SITE, 'event:page', 'pageviews');
    const wrong = [...this.answers].filter(([page, status]) => (rows[page] ?? 0) > 1 || (status === 204 && rows[page] !== 1));
    assert.deepEqual(wrong, []);
    assert.deepEqual(Object.keys(rows).filter((page) => !this.answers.has(page)), []);
    const tally = {};
    for (const status of this.answers.values()) tally[status] = (tally[status] ?? 0) + 1;
    console.log(`answered ${JSON.stringify(tally)}, counted ${Object.keys(rows).length}`);
  }
}

test('a disk that fills up while it runs ends Redis, and is over when there is room', async () => {
  const footfall = await Footfall.start();
  const views = new Views(footfall);
  try {
    await footfall.addSite(SITE);
    await until('twenty views to be durable', async () => {
      await views.send(1);
      return views.has(204, 20);
    });
    fillUp();
    await until('Redis to end for want of room', async () => {
      await views.send(1);
      return /The disk of .* is full: make some room/.test(footfall.output);
    }, 60_000);
    await views.send(5);
    unlinkSync(filler);
    await until('all to be back', () => footfall.isReady(), 60_000);
    await until('views to be durable', async () => {
      await pause(200);
      const before = views.answers.size;
      await views.send(1);
      return [...views.answers.values()][before] === 204;
    }, 60_000);
    await views.assertCounts();
    assert.deepEqual(await footfall.halt(), { code: 0, signal: null });

    fillUp();
    const before = footfall.output.length;
    await assert.rejects(footfall.launch());
    assert.deepEqual(footfall.how, { code: 1, signal: null });
    assert.match(footfall.output.slice(before), /disk is full: free some space|The disk of .* is full/);
    unlinkSync(filler);
    await footfall.launch();
    await views.assertCounts();
    assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
  } catch (error) {
    console.log(footfall.output, footfall.logs());
    rmSync(filler, { force: true });
    await footfall.stop();
    throw error;
  }
});
