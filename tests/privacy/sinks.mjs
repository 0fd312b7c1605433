// Nothing that a visitor's browser says leaves the processes but in the answer to it: while requests of
// all kinds come, every write of every process is traced, and what goes to a file or to another process
// is searched for canaries. This sees also what is deleted again before anybody could search a disk.
//   node sinks.mjs   with FOOTFALL set to the executable; ends with 77 where strace cannot look

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Footfall, UNHURRIED, inParallel, until } from '../e2e/harness.mjs';
import { KINDS, SITE, kindsInTurn } from './beacons.mjs';
import { visitor } from './canaries.mjs';
import { Search } from './search.mjs';

const REQUESTS = 100;
const CLIENTS = 8;
const CALLS = 'write,writev,pwrite64,pwritev,sendto,sendmsg,sendmmsg,fallocate';
const SKIPPED = 77;
const PAGE = '/a-page-that-is-kept';
const WAITING_PAGE = '/a-page-that-waits'; // while Redis hangs

const working = mkdtempSync(join(tmpdir(), 'footfall-sinks-'));
process.once('exit', () => rmSync(working, { recursive: true, force: true }));

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(SKIPPED);
}

/** Traces these processes into a file, once all are attached; gives what ends it. */
async function trace(pids, path) {
  const words = ['-f', '-yy', '-xx', '-s', '65536', '-e', `trace=${CALLS}`, '-o', path];
  const child = spawn('strace', [...words, ...pids.flatMap((pid) => ['-p', pid])], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  let ended = false;
  child.stderr.on('data', (chunk) => (said += chunk));
  const end = new Promise((resolve) => child.once('exit', resolve)).then(() => (ended = true));
  const attached = () => new Set([...said.matchAll(/Process (\d+) attached/g)].map(([, pid]) => Number(pid)));
  const isRefused = () => ended || /not permitted/.test(said);
  await until('strace to attach', () => isRefused() || pids.every((pid) => attached().has(pid)));
  if (isRefused()) {
    child.kill('SIGINT');
    return { refused: said.trim() };
  }
  return {
    stop: async () => {
      child.kill('SIGINT');
      await end;
    },
  };
}

const unhex = (text) => Buffer.from(text.replace(/\\x/g, ''), 'hex');

/** [what is written to, bytes] of each traced call; a call's pieces are one. */
function* writesOf(text) {
  for (const line of text.split('\n')) {
    const [, call, target, rest] = line.match(/(\w+)\(\d+<((?:[^>]|->)*)>+, (.*)/s) ?? [];
    if (!call) continue;
    const name = target.replace(/(?:\\x[0-9a-f]{2})+/g, (hex) => unhex(hex).toString('latin1'));
    const pieces = [...rest.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex]) => unhex(hex));
    yield [name, Buffer.concat(pieces)];
  }
}

/** Whether a traced target is a client's connection to one of the ports. */
const isReply = (name, ports) => ports.some((port) => new RegExp(`^TCP(v6)?:\\[[^\\]]*:${port}->`).test(name));

const visitors = Array.from({ length: REQUESTS }, (_, number) => visitor(number));
const search = new Search(visitors);

async function sendAll(footfall, page) {
  const kinds = kindsInTurn(REQUESTS);
  await inParallel(visitors.entries(), CLIENTS, async ([at, who]) => {
    await KINDS[kinds[at]][2](footfall, who).catch(() => {}); // a connection may be closed on purpose
  });
  const kept = await footfall.view({ s: SITE, u: `https://${SITE}${page}` });
  assert.equal(kept.status, 204);
}

/** Everything once while Redis answers, and once while it does not. */
async function sendTwice(footfall) {
  await sendAll(footfall, PAGE);
  await footfall.settle();
  const server = footfall.children()['redis-server'];
  process.kill(server, 'SIGSTOP');
  await sendAll(footfall, WAITING_PAGE).finally(() => process.kill(server, 'SIGCONT'));
  await footfall.settle();
}

function assertNothingWritten(writes, ports) {
  const sinks = writes.filter(([name]) => !isReply(name, ports));
  const withPage = (page) => sinks.filter(([, bytes]) => bytes.includes(page)).map(([name]) => name);
  for (const page of [PAGE, WAITING_PAGE]) {
    assert.ok(withPage(page).some((name) => name.startsWith('UNIX')), `${page} is seen on its way to Redis`);
    assert.ok(withPage(page).some((name) => name.endsWith('.incr.aof')), `${page} is seen on its way to the disk`);
  }
  assert.ok(withPage(WAITING_PAGE).some((name) => /\/spool\/[^/]+$/.test(name)), 'what waits is seen on its way to the spool');
  assert.ok(writes.length - sinks.length >= REQUESTS, 'the answers are seen, too');
  assert.deepEqual(search.missing(search.plantedBytes()), []);
  const { findings, bytes } = search.run(sinks.map(([name, buffer]) => [name.replace(/\d+/g, '#'), buffer]));
  console.log(`${sinks.length} writes of ${bytes} bytes, ${writes.length - sinks.length} of answers, ${search.needles} needles`);
  assert.deepEqual(findings, []);
}

/** Gives why nothing could be traced, or nothing. */
async function run(footfall) {
  await footfall.addSite(SITE);
  const path = join(working, 'trace');
  const tracing = await trace([footfall.pid, ...Object.values(footfall.children())], path);
  if (tracing.refused !== undefined) return `strace cannot attach: ${tracing.refused}`;
  await sendTwice(footfall);
  await tracing.stop();
  assertNothingWritten([...writesOf(readFileSync(path, 'latin1'))], [footfall.collector, footfall.dashboards]);
  return '';
}

if (spawnSync('strace', ['-V']).status !== 0) skip('there is no strace.');
const footfall = await Footfall.start(UNHURRIED); // under strace all is slow
let refused = '';
try {
  refused = await run(footfall);
} finally {
  assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
}
if (refused) skip(refused);
