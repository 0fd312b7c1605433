// `footfall audit`: a sound store passes; what does not belong there is named; and whatever spelling of a
// canary is planted is found, by the spellings of an independent list (privacy/canaries.mjs).

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { eachForm, eachShortForm, visitor } from '../privacy/canaries.mjs';
import { Footfall, until } from './harness.mjs';
import { Redis } from './redis.mjs';

const SITE = 'audit.example';
const VIEWS = 60;
const FORM_BYTES_MIN = 5; // shorter texts are everywhere; bytes of an address have four
const DIGITS_MIN = 7; // fewer stand everywhere
const HERE = readFileSync(new URL('../../docs/design.md', import.meta.url), 'utf8');

let footfall;
let writer; // as the aggregator, who may write

/** {code, out, error, found}: the command's, and what it says as JSON. */
function audit(canaries = [], ...more) {
  const words = ['audit', '--data', footfall.data, '--json', ...more];
  if (canaries.length > 0) words.push('--canary-file', '-');
  const run = spawnSync(process.env.FOOTFALL, words, { encoding: 'utf8', input: canaries.join('\n'), maxBuffer: 1 << 26 });
  return { code: run.status, out: run.stdout, error: run.stderr, found: run.stdout ? JSON.parse(run.stdout) : null };
}

before(async () => {
  footfall = await Footfall.start();
  await footfall.addSite(SITE);
  for (let at = 0; at < VIEWS; at++) {
    const fields = { s: SITE, u: `http://${SITE}/page/${at % 7}${at % 3 ? '' : '?utm_source=letter'}`, ...(at % 5 ? {} : { n: 'signup', p: '{"plan":"pro"}' }) };
    await footfall.view(fields, { 'x-forwarded-for': `81.2.69.${at % 20}` });
    if (at % 4 === 0) await footfall.view({ s: SITE, u: `http://${SITE}/page/${at % 7}`, n: 'engagement', t: '4200', d: '60' }, { 'x-forwarded-for': `81.2.69.${at % 20}` });
  }
  await footfall.settle();
  writer = new Redis(join(footfall.data, 'redis', 'redis.sock'));
  await writer.command('AUTH', 'aggregator', readFileSync(join(footfall.data, 'redis', 'aggregator.secret'), 'utf8').trim());
});

after(async () => {
  writer?.close();
  await footfall?.stop();
});

const keysLike = async (pattern) => (await footfall.redis().keys()).filter((key) => pattern.test(key));

test('a sound store passes, and all of its keys are in the table of the documents', async () => {
  const { code, found } = audit();
  assert.deepEqual(found.breaches, []);
  assert.equal(code, 0);
  assert.deepEqual(found.days, { open: 1, sealed: 0 });
  const documented = [...HERE.matchAll(/^\| `(ff:[^`]+)` \|/gm)].map(([, key]) => key);
  assert.deepEqual(found.keys.map(({ pattern }) => pattern).sort(), documented.sort());
  const count = found.keys.reduce((sum, row) => sum + row.count, 0);
  assert.equal(count, (await footfall.redis().keys()).length);
  const live = found.keys.find(({ pattern }) => pattern.endsWith(':live:<date>:<table>'));
  assert.ok(live.count > 10 && live.bytes > 1000 && live.without_expiry === 0 && live.expires_least_ms > 0);
  const text = footfall.command('audit', '--data', footfall.data);
  assert.equal(text.code, 0);
  assert.match(text.out, /^ff:\{n\}:<site>:seen:<date>:<cell> +\d+ +\d+ +\d+\.\d to \d+\.\d$/m);
  assert.match(text.out, /^good +No key is outside the inventory, of \d+\.$/m);
});

test('a key outside the inventory is named', async () => {
  await writer.command('SET', `ff:{0}:${SITE}:visitors:20261123`, 'x');
  const { code, found } = audit();
  assert.equal(code, 1);
  assert.deepEqual(found.outside_inventory, [`ff:{0}:${SITE}:visitors:20261123`]);
  assert.deepEqual(found.breaches, [`Outside the inventory: ff:{0}:${SITE}:visitors:20261123`]);
  await writer.command('DEL', `ff:{0}:${SITE}:visitors:20261123`);
});

test('a key that lost its expiry is told, and one that lasts too long', async () => {
  const [[key]] = [await keysLike(/:seen:\d+:page:/)];
  const name = Buffer.from(key, 'latin1');
  const until = await writer.command('PEXPIRETIME', name);
  await writer.command('SET', name, await writer.command('GET', name));
  assert.match(audit().found.breaches.join('\n'), /^1 keys ff:\{n\}:<site>:seen:<date>:<cell> never expire\.$/);
  await writer.command('PEXPIREAT', name, until + 30 * 86_400_000);
  assert.match(audit().found.breaches.join('\n'), /^A key ff:\{n\}:<site>:seen:<date>:<cell> expires in 3\d days, and may last 3\.$/);
  await writer.command('PEXPIREAT', name, until);
  assert.equal(audit().code, 0);
});

test('a count that does not add up is told, in each table', async () => {
  const EXACT = { page: 'v', time: 's', source: 'd', country: 'b', exit_page: 's', event: 'c', device: 'v', language: 's' };
  for (const [table, letter] of Object.entries(EXACT)) {
    const [key] = await keysLike(new RegExp(`:live:\\d+:${table}$`));
    const [field, number] = [...(await footfall.redis().hash(key))].find(([name]) => name.startsWith(letter)) ?? [`${letter}x`, '0'];
    await writer.command('HSET', key, field, Number(number) + 1);
    const { code, found } = audit();
    assert.equal(code, 1, table);
    assert.match(found.breaches.join('\n'), new RegExp(`^${SITE}, day of \\d+: \\w+ of all rows of ${table} are \\d+, the total has \\d+\\.$`), table);
    await writer.command('HSET', key, field, number);
  }
  const [pairs] = await keysLike(/:live:\d+:page\*country$/);
  const [[field, counts]] = await footfall.redis().hash(pairs);
  const [views, visits] = counts.split(':');
  await writer.command('HSET', pairs, field, `${Number(views) + 1000}:${visits}`);
  assert.match(audit().found.breaches.join('\n'), /the pairs of page and country tell of \d+ views or events, the total has \d+\.$/);
  await writer.command('HSET', pairs, field, counts);
  assert.equal(audit().code, 0);
});

test('a batch that nobody can read is told', async () => {
  await footfall.redis().command('XADD', 'ff:{0}:log', '*', 'w', '00f1e2d3c4b5a697', 'n', 1, 'p', 'no batch at all');
  await until('it to step aside', async () => (await footfall.redis().command('XLEN', 'ff:{0}:quarantine')) === 1);
  assert.match(audit().found.breaches.join('\n'), /^Entry \d+-\d+ of the quarantine cannot be read\.$/);
  assert.equal(footfall.command('quarantine', '--discard', '--data', footfall.data).code, 0);
  assert.equal(audit().code, 0);
});

/** The forms of a visitor that the audit is to find: [canary, what, spelling, bytes]. */
function formsOf(who) {
  const canaries = { address: who.address, agent: who.words.agent, 'whole agent': who.wholes.agent };
  const forms = [];
  const add = (what, spelling, bytes) => {
    if (canaries[what] === undefined) return;
    const isRaw = bytes.length === 4 && /bytes|swapped|crc32/.test(spelling);
    const bytesMin = /decimal/.test(spelling) ? DIGITS_MIN : FORM_BYTES_MIN;
    if (bytes.length >= bytesMin || isRaw) forms.push([canaries[what], what, spelling, bytes]);
  };
  eachForm(who, add);
  eachShortForm(who, add);
  return { canaries: Object.values(canaries), forms };
}

test('each spelling of a canary is found where it is planted', () => {
  const folder = join(footfall.data, 'log', 'planted');
  for (const number of [0, 1]) {
    const { canaries, forms } = formsOf(visitor(number));
    mkdirSync(folder);
    forms.forEach(([, , , bytes], at) => writeFileSync(join(folder, `${at}`), Buffer.concat([Buffer.from('{['), bytes, Buffer.from(']}')])));
    const { code, found } = audit(canaries);
    rmSync(folder, { recursive: true });
    assert.equal(code, 1);
    const missing = forms.filter(([canary], at) => !found.canaries.found.some(
      (each) => each.where === join(folder, `${at}`) && canaries[each.canary - 1] === canary));
    assert.deepEqual(missing.map(([, what, spelling]) => `${what}: ${spelling}`), []);
    assert.ok(forms.length > 100);
    const elsewhere = audit(canaries).found.canaries.found.filter(({ spelling }) => !spelling.startsWith('CRC-32')); // chance
    assert.deepEqual(elsewhere, [], 'and nowhere else');
  }
});

test('a canary is found in a value of Redis, in the journal, and packed in its snapshot', async () => {
  const canary = 'zwqkvbnmxcrt';
  const key = `ff:{0}:${SITE}:stray`;
  await writer.command('HSET', key, 'a', `${'packed '.repeat(40)}${canary} ${'packed '.repeat(40)}`);
  const { code, found, out, error } = audit([canary]);
  assert.equal(code, 1);
  const places = found.canaries.found.map(({ where }) => where);
  assert.ok(places.includes('a key outside the inventory'));
  assert.ok(places.some((where) => where.endsWith('.incr.aof')));
  assert.doesNotMatch(out + error, new RegExp(canary), 'and is not repeated');
  await footfall.redis().command('BGREWRITEAOF');
  await until('the rewrite', async () => /aof_rewrite_in_progress:0[^]*aof_rewrite_scheduled:0/.test(await footfall.redis().text('INFO', 'persistence')));
  const packed = audit([canary]).found.canaries.found.map(({ where }) => where);
  assert.ok(packed.some((where) => where.endsWith('.base.rdb')));
  const base = packed.find((where) => where.endsWith('.base.rdb'));
  assert.equal(readFileSync(base).includes('packed packed packed'), false, 'it was packed there');
  await writer.command('DEL', key);
});

test('a key for each of many strays is not told, but how many there are', async () => {
  const strays = Array.from({ length: 60 }, (_, at) => `stray:${at}\n\u00e9`);
  for (const key of strays) await writer.command('SET', `ff:{0}:${key}`, 'x');
  const { code, found } = audit();
  assert.equal(code, 1);
  assert.equal(found.outside_inventory.length, 50);
  assert.match(found.outside_inventory[0], /^ff:\{0\}:stray:\d+\?\?\?$/, 'what is not printable is not printed');
  assert.equal(found.breaches.length, 51);
  assert.ok(found.breaches.includes('Keys outside the inventory: 60.'));
  for (const key of strays) await writer.command('DEL', `ff:{0}:${key}`);
});

test('a folder that goes too deep is told, and links are not followed', () => {
  const deep = join(footfall.data, 'log', ...'abcdefgh');
  mkdirSync(deep, { recursive: true });
  symlinkSync('/etc', join(footfall.data, 'log', 'a', 'link'));
  assert.match(audit(['nowhere at all']).found.breaches.join('\n'), /^\S*\/h cannot be read, or goes deeper than is looked\.$/m);
  rmSync(join(footfall.data, 'log', 'a'), { recursive: true });
  assert.equal(audit(['nowhere at all']).code, 0);
});

test('what is no canary is misuse', () => {
  const most = audit(Array.from({ length: 1000 }, (_, at) => `canary-${at}!`));
  assert.notEqual(most.code, 2);
  assert.deepEqual(most.found.canaries.found.filter(({ spelling }) => !spelling.startsWith('CRC-32')), []); // chance
  assert.equal(audit(Array.from({ length: 1001 }, (_, at) => `canary-${at}!`)).code, 2);
  assert.equal(audit(['sixsix', 'y'.repeat(1024)]).code, 0);
  for (const canary of ['short', 'x'.repeat(1025)]) {
    const { code, error } = audit([canary]);
    assert.equal(code, 2);
    assert.match(error, /^footfall: a canary has 6 to 1024 bytes, and there are at most 1000 of them\.$/m);
  }
  assert.equal(audit([], '--canary', 'nowhere at all').code, 0);
  assert.equal(audit([], '--canary-file', join(footfall.data, 'nothing')).code, 2);
});
