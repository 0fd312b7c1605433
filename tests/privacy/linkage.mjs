// Cells cannot be linked: 300 visitors look at overlapping pages, and then all sketches of the day are
// compared with one another. Two cells' registers must match no more often than chance makes them,
// whatever people the cells share; by the same comparison, the same people under one key for all cells
// are found again nearly all, which shows that the comparison sees.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { after, before } from 'node:test';
import { BROWSER, Footfall, UNHURRIED, inParallel } from '../e2e/harness.mjs';
import { compare, registerOf, registersIn, tagOf } from './sketches.mjs';

const SITE = 'linkage.example';
const VISITORS = 300;
const PAGES = 12;
const PAGES_EACH = 5;
const CLIENTS = 16;
const DEVIATIONS = 5;
const FOUND_AGAIN = 0.9; // of common visitors, under one key
const TAKEN_MAX = 20; // visitors whose register another has: 2.7 of 300 by chance, and this many in no run of 10^11

const address = (visitor) => `81.2.${visitor >> 8}.${visitor & 255}`;
/** Of one visitor: pages that overlap with everybody's. */
const pagesOf = (visitor) => Array.from({ length: PAGES_EACH }, (_, step) => (visitor * 7 + step * (1 + (visitor % 3))) % PAGES);

let footfall;
const sketches = new Map(); // key → registers

before(async () => {
  footfall = await Footfall.start(UNHURRIED);
  await footfall.addSite(SITE);
  const visits = Array.from({ length: VISITORS }, (_, visitor) => visitor);
  await inParallel(visits, CLIENTS, async (visitor) => {
    for (const page of pagesOf(visitor)) {
      const reply = await footfall.view({ s: SITE, u: `http://${SITE}/${page}` }, { 'x-forwarded-for': address(visitor) });
      assert.equal(reply.status, 204);
    }
  });
  await footfall.settle();
  for (const key of (await footfall.redis().keys()).filter((name) => name.includes(':seen:')))
    sketches.set(key, registersIn(await footfall.redis().command('GET', Buffer.from(key, 'latin1'))));
});

after(() => footfall?.stop());

const pairsOf = (maps) => maps.flatMap((one, at) => maps.slice(at + 1).map((other) => compare(one, other)));
const sum = (pairs, what) => pairs.reduce((all, pair) => all + pair[what], 0);

/** The same visitors in the pages' sketches, by the keys that `keyOf` gives for a page. */
function computed(keyOf) {
  const visitKey = randomBytes(16);
  const pages = Array.from({ length: PAGES }, () => new Map());
  for (let visitor = 0; visitor < VISITORS; visitor++)
    for (const page of new Set(pagesOf(visitor))) {
      const [index, rank] = registerOf(keyOf(page), tagOf(visitKey, address(visitor), BROWSER));
      pages[page].set(index, Math.max(rank, pages[page].get(index) ?? 0));
    }
  return pages;
}

function commonVisitors() {
  let common = 0;
  for (let visitor = 0; visitor < VISITORS; visitor++) {
    const pages = new Set(pagesOf(visitor)).size;
    common += (pages * (pages - 1)) / 2;
  }
  return common;
}

test('the sketches hold the visitors', () => {
  const total = [...sketches].find(([key]) => key.endsWith(':total:'))[1];
  assert.ok(total.size >= VISITORS - TAKEN_MAX && total.size <= VISITORS, `${total.size} registers`);
  assert.ok(sketches.size >= PAGES + 8, `${sketches.size} sketches`);
});

test('under one key for all cells the comparison finds the common visitors', () => {
  const key = randomBytes(16);
  const pairs = pairsOf(computed(() => key));
  assert.ok(sum(pairs, 'matches') > FOUND_AGAIN * commonVisitors(), `${sum(pairs, 'matches')} of ${commonVisitors()}`);
});

test('two cells of a day match by chance only', () => {
  const pairs = pairsOf([...sketches.values()]);
  const [matches, expected] = [sum(pairs, 'matches'), sum(pairs, 'expected')];
  console.log(`${sketches.size} sketches, ${pairs.length} pairs: ${matches} matches, ${expected.toFixed(1)} by chance; ${commonVisitors()} common visitors of pages`);
  assert.ok(matches <= expected + DEVIATIONS * Math.sqrt(expected), `${matches} matches, ${expected} by chance`);
  const pages = pairsOf([...sketches].filter(([key]) => key.includes(':page:')).map(([, registers]) => registers));
  assert.ok(sum(pages, 'expected') + DEVIATIONS * Math.sqrt(sum(pages, 'expected')) < commonVisitors() / 10, 'chance is far below what there is to find');
});
