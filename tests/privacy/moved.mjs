// A Footfall whose clock a test moves (moved_clock.c), all of its processes at once.
//   MOVED_CLOCK   the library

import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Footfall } from '../e2e/harness.mjs';

const NS_PER_MS = 1_000_000n;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export class MovedClock {
  #folder = mkdtempSync(join(tmpdir(), 'footfall-clock-'));
  #path = join(this.#folder, 'offsets');
  #wallMs = 0;
  #monoMs = 0;
  #footfall = null;

  constructor() {
    writeFileSync(this.#path, Buffer.alloc(16));
    process.once('exit', () => rmSync(this.#folder, { recursive: true, force: true }));
  }

  get env() {
    return { LD_PRELOAD: process.env.MOVED_CLOCK, FOOTFALL_TEST_CLOCK: this.#path };
  }

  /** Now, as the moved processes see it. */
  now() {
    return Date.now() + this.#wallMs;
  }

  /** Idle connections come to their end with the move, so none is kept for the next beacon. */
  #write() {
    this.#footfall?.hangUp();
    const bytes = Buffer.alloc(16);
    bytes.writeBigInt64LE(BigInt(Math.round(this.#wallMs)) * NS_PER_MS, 0);
    bytes.writeBigInt64LE(BigInt(Math.round(this.#monoMs)) * NS_PER_MS, 8);
    const fd = openSync(this.#path, 'r+'); // in place: the processes share the page
    writeSync(fd, bytes, 0, 16, 0);
    closeSync(fd);
  }

  /** Time passes: both clocks go forward. */
  pass(ms) {
    this.#wallMs += ms;
    this.#monoMs += ms;
    this.#write();
  }

  /** Somebody sets the wall's clock, by `ms` forward or back; no time passes. */
  jump(ms) {
    this.#wallMs += ms;
    this.#write();
  }

  /** Sets the wall's clock to a moment of today or tomorrow, in UTC: "23:59:50". */
  set(text) {
    const [hours, minutes, seconds] = text.split(':').map(Number);
    const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    this.#wallMs = today + hours * HOUR_MS + minutes * MINUTE_MS + seconds * 1000 - Date.now();
    this.#write();
  }

  /** The date there, yyyymmdd in UTC. */
  date() {
    return new Date(this.now()).toISOString().slice(0, 10).replaceAll('-', '');
  }

  async start(env = {}) {
    this.#footfall = await Footfall.start({ ...this.env, ...env });
    return this.#footfall;
  }
}

/** What a site's days have, as the dashboards tell it: {date: {pageviews, visits}}, days without views left out. */
export async function totalsByDate(footfall, site, clock) {
  const day = (ms) => new Date(ms).toISOString().slice(0, 10);
  const { results } = await footfall.query({
    site_id: site,
    metrics: ['pageviews', 'visits'],
    date_range: [day(clock.now() - 5 * DAY_MS), day(clock.now() + 5 * DAY_MS)],
    dimensions: ['time:day'],
  });
  const rows = results.filter(({ metrics }) => metrics[0] > 0);
  return Object.fromEntries(rows.map(({ dimensions: [date], metrics: [pageviews, visits] }) => [date.replaceAll('-', ''), { pageviews, visits }]));
}
