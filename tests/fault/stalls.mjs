// When the machine itself is slow: a small file on the disk in question is written and synced again and
// again. Whoever waited for the disk, or for a processor, while that took long has waited for the
// machine, and says nothing of Footfall.

import { closeSync, fdatasync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pause } from '../e2e/harness.mjs';

const sync = promisify(fdatasync);
const EVERY_MS = 50;
const STALL_MS = 100; // an ordinary sync takes a few
const AROUND_MS = 300; // a disk that stalls has begun to before, and others wait in line behind
const BLOCK = Buffer.alloc(4096, 's');

export class Stalls {
  #path;
  #fd;
  #stopped = false;
  #watching;
  #stalls = [];

  /** The longest that anything took. */
  worstMs = 0;

  /** Begins to look; the disk of `folder` has room for one block. */
  constructor(folder) {
    this.#path = join(folder, `probe-${process.pid}`);
    this.#fd = openSync(this.#path, 'w');
    this.#watching = this.#watch();
  }

  async #watch() {
    while (!this.#stopped) {
      const from = performance.now();
      writeSync(this.#fd, BLOCK, 0, BLOCK.length, 0);
      await sync(this.#fd);
      await pause(EVERY_MS);
      const to = performance.now();
      this.worstMs = Math.max(this.worstMs, Math.round(to - from - EVERY_MS));
      if (to - from - EVERY_MS > STALL_MS) this.#stalls.push([from, to]);
    }
  }

  async stop() {
    this.#stopped = true;
    await this.#watching;
    closeSync(this.#fd);
    rmSync(this.#path);
  }

  /** Whether an answer, {at, ms}, was waited for around such a time. */
  has({ at, ms }) {
    return this.#stalls.some(([from, to]) => at + ms >= from - AROUND_MS && at <= to + AROUND_MS);
  }
}
