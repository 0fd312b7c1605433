// Beacons whose every page is viewed once, and the reckoning: how often each page is counted in the
// end, against what its beacon was answered. The pages of a run are spread over sites, since a site
// counts so many pages a day by name.

import assert from 'node:assert/strict';
import { inParallel, pause, until } from '../e2e/harness.mjs';
import { percentile } from './watch.mjs';

export const SITE_PAGES_MAX = 1800; // a site's table of pages has 2,000 places
const ANSWER_MS_MAX = 20_000;
const QUIET_MS = 120_000;
const SAMPLE_SITES = 3;

/** Answers wait for long enough to see how long it takes: half of it for Redis, half for the spool's disk. */
export const PATIENT = { FOOTFALL_ACK_WAIT_MS: '300' };

/** A page's path of a number: no digits, so that it is kept as it is. */
function pageOf(number) {
  const letters = number.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[digit]);
  return `/page-${letters}`;
}

/** As many sites as so many pages need. */
export function sitesFor(name, pages) {
  return Array.from({ length: Math.ceil(pages / SITE_PAGES_MAX) }, (_, at) => `${name}-${at}.example`);
}

const inTime = (promise) => {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ANSWER_MS_MAX, { status: 'none' })));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

export class Load {
  #clients = null;
  #stopped = false;
  #tail;

  /** [{site, page, status, at, ms}]: status 0 is a connection that failed, 'none' no answer in time. */
  answers = [];

  /**
   * `tail`: what each page's path ends in; `fields(number, site, page)`: what a beacon says besides, or
   * instead.
   */
  constructor(footfall, sites, { clients = 16, betweenMs = 40, tail = '', fields = () => ({}) } = {}) {
    this.#tail = tail;
    this.#clients = Promise.all(
      Array.from({ length: clients }, async () => {
        while (!this.#stopped && this.answers.length < sites.length * SITE_PAGES_MAX) {
          await this.#view(footfall, sites, fields);
          await pause(betweenMs);
        }
      }),
    );
  }

  async #view(footfall, sites, fields) {
    const number = this.answers.length;
    const site = sites[number % sites.length];
    const page = pageOf(Math.floor(number / sites.length)) + this.#tail;
    const answer = { site, page, status: 0, at: performance.now(), ms: 0 };
    this.answers.push(answer);
    const from = { 'x-forwarded-for': `203.${number % 200}.${(number >> 8) % 200}.${(number >> 4) % 200}` };
    const beacon = footfall.view({ s: site, u: `http://${site}${page}`, ...fields(number, site, page) }, from);
    answer.status = (await inTime(beacon.catch(() => ({ status: 0 })))).status;
    answer.ms = performance.now() - answer.at;
  }

  async stop() {
    this.#stopped = true;
    await this.#clients;
    return this.answers;
  }
}

/** {status: number} of answers. */
export function byStatus(answers) {
  const tally = {};
  for (const { status } of answers) tally[status] = (tally[status] ?? 0) + 1;
  return tally;
}

/** The `share` of the answers that was fastest took at most so many milliseconds. */
export const quantileMs = (answers, share) => Math.round(percentile(answers.map(({ ms }) => ms), share));

/** Fails unless these answers, but those of times when the machine stalled, were 204; gives those that it has judged. */
export function assertDurable(answers, stalls, what) {
  const fair = answers.filter((answer) => !stalls.has(answer));
  assert.deepEqual(byStatus(fair), fair.length > 0 ? { 204: fair.length } : {}, what);
  return fair;
}

export function assertInTime(answers, p99MsMax, what) {
  const p99Ms = quantileMs(answers, 0.99);
  assert.ok(p99Ms < p99MsMax, `${what}: ${p99Ms} ms`);
}

/** What is stored: {site: Map of page → views}, from Redis itself. */
async function storedPages(footfall, sites) {
  const wanted = new Set(sites);
  const stored = new Map(sites.map((site) => [site, new Map()]));
  const keys = (await footfall.redis().keys()).map((key) => key.match(/^ff:\{0\}:(.+):live:\d{8}:page$/));
  await inParallel(keys.filter((match) => match && wanted.has(match[1])), 8, async ([key, site]) => {
    const pages = stored.get(site);
    for (const [field, number] of await footfall.redis().hash(key))
      if (field.startsWith('v')) pages.set(field.slice(1), (pages.get(field.slice(1)) ?? 0) + Number(number));
  });
  return stored;
}

const idOf = ({ site, page }) => site + page;

function compare(answers, stored) {
  const counted = [...stored.values()].flatMap((pages) => [...pages.values()]).reduce((sum, views) => sum + views, 0);
  const views = ({ site, page }) => stored.get(site).get(page) ?? 0;
  const sent = new Set(answers.map(idOf));
  const strange = [...stored].flatMap(([site, pages]) => [...pages.keys()].map((page) => ({ site, page })));
  return {
    counted,
    lost: answers.filter((answer) => answer.status === 204 && views(answer) === 0).map(idOf),
    doubled: answers.filter((answer) => views(answer) > 1).map(idOf),
    refusedButCounted: answers.filter((answer) => answer.status === 503 && views(answer) > 0).map(idOf),
    acceptedButGone: answers.filter((answer) => answer.status === 202 && views(answer) === 0).map(idOf),
    strange: strange.map(idOf).filter((id) => !sent.has(id)),
  };
}

/** Waits until nothing is on its way any more: not in a collector, not on disk, not in the log. */
export async function quiet(footfall) {
  await until('all roles to be ready', () => footfall.isReady(), QUIET_MS);
  await footfall.settle(QUIET_MS);
}

/** The names of the collector's checks that are bad. */
export async function badChecks(footfall) {
  const { checks } = JSON.parse(await footfall.ready('collect'));
  return checks.filter(({ ok }) => !ok).map(({ name }) => name);
}

/** How often each page is counted, when all is quiet; also through the query API for some sites. */
export async function reckon(footfall, answers) {
  const sites = [...new Set(answers.map(({ site }) => site))];
  const stored = await storedPages(footfall, sites);
  for (const site of sites.slice(0, SAMPLE_SITES)) {
    const expected = Object.fromEntries(stored.get(site));
    assert.deepEqual(await footfall.by(site, 'event:page', 'pageviews'), expected, `${site}, as a dashboard shows it`);
    const { pageviews } = await footfall.totals(site, ['pageviews']);
    assert.equal(pageviews, Object.values(expected).reduce((sum, views) => sum + views, 0), site);
  }
  return compare(answers, stored);
}
