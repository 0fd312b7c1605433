// A day's key dies with the day: its bytes, and the keys of cells that were made from it, are then in no
// memory of any process and in no file; and with all that is left on the machine nobody finds a
// visitor in yesterday's sketches. Before, by the same ways, they are there and everybody is found.
//   node key_death.mjs   with FOOTFALL and MOVED_CLOCK set; ends with 77 where memory cannot be looked at

import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readSync, readdirSync, readlinkSync } from 'node:fs';
import { BROWSER, until } from '../e2e/harness.mjs';
import { filesAtRest } from './places.mjs';
import { HOUR_MS, MINUTE_MS, MovedClock } from './moved.mjs';
import { cellKey, registerOf, registersIn, tagOf, KEY_BYTES } from './sketches.mjs';

const SITE = 'key-death.example';
const VISITORS = 200;
const FOUND = 0.95; // of them; a register that another has as well hides 0.8 of 200 by chance
const SKIPPED = 77;
const TOTAL = 0; // the table's number
const SITE_BYTES = 254; // of a row of the keys, which begins with date and length
const HEAD_BYTES = 6;
const PIECE_BYTES = 1 << 24;
const DEATH_MS = 60_000;

const began = Date.now();
const address = (visitor) => `81.2.69.${visitor}`;
const clock = new MovedClock();

/** The keys' memory, as the supervisor holds it. */
function keyMemory(pid) {
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const path = `/proc/${pid}/fd/${fd}`;
    if (readlinkSafe(path).includes('footfall-day-keys')) return readFileSync(path);
  }
  throw new Error('The supervisor holds no keys.');
}

/** {visit, sketch} of the site's day, or null. */
function keyOf(memory, date) {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(Number(date), 0);
  head.writeUInt16LE(SITE.length, 4);
  const at = memory.indexOf(Buffer.concat([head, Buffer.from(SITE)]));
  if (at < 0) return null;
  const key = at + HEAD_BYTES + SITE_BYTES;
  return { visit: memory.subarray(key, key + KEY_BYTES), sketch: memory.subarray(key + KEY_BYTES, key + 2 * KEY_BYTES) };
}

/** Calls each(bytes) for all that a process has in memory, in pieces that overlap. */
function eachPiece(pid, each) {
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  let bytes = 0;
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const [, from, to, name] = line.match(/^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+ *(.*)$/) ?? [];
    if (!from || /^\[v(var|syscall)/.test(name)) continue;
    const end = parseInt(to, 16);
    for (let at = parseInt(from, 16); at < end; at += PIECE_BYTES - KEY_BYTES) {
      const piece = Buffer.alloc(Math.min(PIECE_BYTES, end - at));
      try {
        const got = readSync(fd, piece, 0, piece.length, at);
        each(piece.subarray(0, got));
        bytes += got;
      } catch {
        break; // nothing is behind this mapping
      }
    }
  }
  closeSync(fd);
  return bytes;
}

/** Where in memory and files the needles are, as [what in where], and how many bytes were seen. */
function search(footfall, needles) {
  const found = new Set();
  let bytes = 0;
  const look = (where) => (piece) => Object.entries(needles).forEach(([what, needle]) => piece.includes(needle) && found.add(`${what} in ${where}`));
  const roles = { serve: footfall.pid, ...footfall.children() };
  for (const [role, pid] of Object.entries(roles)) bytes += eachPiece(pid, look(role));
  for (const [place, path] of filesAtRest({ data: footfall.data, working: footfall.data, pids: Object.values(roles), since: began })) {
    if (readlinkSafe(path).includes('footfall-day-keys')) continue; // it is memory: the roles' mappings show it
    let piece;
    try {
      piece = readFileSync(path);
    } catch {
      continue; // deleted meanwhile
    }
    bytes += piece.length;
    look(place)(piece);
  }
  return { found: [...found], bytes };
}

function readlinkSafe(path) {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** How many of the visitors are in a sketch, by their registers under a key. */
function recognised(key, registers) {
  const cell = cellKey(key.sketch, TOTAL, '');
  let count = 0;
  for (let visitor = 0; visitor < VISITORS; visitor++) {
    const [index, rank] = registerOf(cell, tagOf(key.visit, address(visitor), BROWSER));
    count += registers.get(index) === rank ? 1 : 0;
  }
  return count;
}

async function everybodyComes(footfall) {
  for (let visitor = 0; visitor < VISITORS; visitor++)
    await footfall.view({ s: SITE, u: `http://${SITE}/page` }, { 'x-forwarded-for': address(visitor) });
  await footfall.settle();
}

const sketch = async (footfall, date) =>
  registersIn(await footfall.redis().command('GET', `ff:{0}:${SITE}:seen:${date}:total:`));

async function run(footfall) {
  await footfall.addSite(SITE, { timezone: 'UTC' });
  await everybodyComes(footfall);
  const yesterday = clock.date();
  const key = keyOf(keyMemory(footfall.pid), yesterday);
  const needles = { 'key of tags': key.visit, 'key of sketches': key.sketch, 'key of the total': cellKey(key.sketch, TOTAL, '') };
  const before = recognised(key, await sketch(footfall, yesterday));
  assert.ok(before > FOUND * VISITORS, `with the key ${before} of ${VISITORS} are recognised`);
  const alive = search(footfall, needles);
  assert.ok(alive.found.includes('key of tags in collect') && alive.found.includes('key of sketches in collect'), 'the search sees the key');
  assert.deepEqual(alive.found.filter((where) => !/ in (collect|serve)$/.test(where)), [], 'only the collector has it');
  const saved = { visit: Buffer.from(key.visit), sketch: Buffer.from(key.sketch) };
  const kept = Object.fromEntries(Object.entries(needles).map(([what, needle]) => [what, Buffer.from(needle)]));

  clock.pass(2 * HOUR_MS + MINUTE_MS); // midnight, and some minutes
  await everybodyComes(footfall);
  assert.notEqual(clock.date(), yesterday);
  clock.pass(3 * MINUTE_MS);
  let dead;
  await until('the key to die', () => (dead = search(footfall, kept)).found.length === 0, DEATH_MS).catch(() => {});
  assert.deepEqual(dead.found, []);
  assert.equal(keyOf(keyMemory(footfall.pid), yesterday), null);

  const today = keyOf(keyMemory(footfall.pid), clock.date());
  assert.ok(today && !today.visit.equals(saved.visit));
  const registers = await sketch(footfall, yesterday);
  const after = recognised(today, registers);
  assert.ok(recognised(saved, registers) > FOUND * VISITORS, 'the registers are still there to be asked');
  assert.ok(after <= 8, `with what is left ${after} are recognised, by chance ${((VISITORS * registers.size) / (3 * 16384)).toFixed(1)}`);
  console.log(`${before} of ${VISITORS} recognised with the key, ${after} after its death; ${dead.bytes} bytes of memory and files searched`);
}

clock.set('22:00:00');
const footfall = await clock.start();
let refused = '';
try {
  try {
    eachPiece(footfall.children().collect, () => {});
  } catch (error) {
    refused = error.message;
  }
  if (!refused) await run(footfall);
} finally {
  assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
}
if (refused) {
  console.log(`skipped: ${refused}`);
  process.exit(SKIPPED);
}
