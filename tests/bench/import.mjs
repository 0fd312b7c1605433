// The import benchmark: `footfall import` beside `goaccess`, on the same log in the same run.
//
//   node tests/bench/import.mjs FOOTFALL LOG [--lines N] [--rounds N]
//
// The log is repeated until it has N lines (a million), each time at later dates and with other
// addresses. Rounds alternate between the two programs, since machines are shared and noisy; each of
// Footfall's imports it to a site of its own. It prints one JSON line with medians in seconds:
// `footfall` until all is durable in the log, `counted` until the aggregator has worked it off.
import {spawn, spawnSync} from 'node:child_process';
import {closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Redis} from '../e2e/redis.mjs';

const [footfall, sample] = process.argv.slice(2);
const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const lines = option('lines', 1_000_000), rounds = option('rounds', 3);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const seconds = (since) => Number(process.hrtime.bigint() - since) / 1e9;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

if (!existsSync(footfall ?? '') || !existsSync(sample ?? '')) {
  console.error('usage: import.mjs FOOTFALL LOG: build the release preset, and name a log in the combined format.');
  process.exit(2);
}

// The sample's four days again and again, to the end of 2024; an address keeps its first byte, so that it stays
// where it was.
function makeLog(path) {
  const LINE = /^(\d+)\.(\d+)\.(\d+)\.(\d+)( .*?\[)(\d+)\/(\w+)\/(\d+)(:.*)$/s;
  const parts = readFileSync(sample, 'latin1').split('\n').map((line) => LINE.exec(line)).filter(Boolean);
  const file = openSync(path, 'w');
  const rest = Math.ceil(lines / parts.length), last = Date.UTC(2024, 11, 20);
  let written = 0;
  for (let round = 0; round < rest; round++) {
    const text = parts.slice(0, lines - written).map(([, a, b, c, d, middle, day, month, year, tail]) => {
      const first = Date.UTC(year, MONTHS.indexOf(month), day);
      const at = new Date(last - (rest - round) * 4 * 86_400_000 + (first - Date.UTC(2015, 4, 17)));
      const date = `${String(at.getUTCDate()).padStart(2, '0')}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
      return `${a}.${(Number(b) + round) % 256}.${(Number(c) + 7 * round) % 256}.${d}${middle}${date}${tail}\n`;
    });
    written += text.length;
    writeSync(file, text.join(''), null, 'latin1');
  }
  closeSync(file);
}

const folder = mkdtempSync(join(tmpdir(), 'footfall-bench-'));
const data = join(folder, 'data'), log = join(folder, 'access.log');
const serve = spawn(footfall, ['serve', '--data', data, '--collector-listen', '127.0.0.1:0', '--dashboards-listen',
  '127.0.0.1:0'], {stdio: ['ignore', 'pipe', 'ignore']});
const ended = new Promise((resolve) => serve.once('exit', resolve));

function run(program, words) {
  const began = process.hrtime.bigint();
  const done = spawnSync(program, words, {stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', maxBuffer: 1 << 28});
  if (done.error || done.status !== 0) throw new Error(`${program}: ${done.error ?? done.stderr.slice(-500)}`);
  return seconds(began);
}

async function workedOff(redis) {
  while (Number(await redis.command('XLEN', 'ff:{0}:log')) > 0) await sleep(10);
}

try {
  makeLog(log);
  await new Promise((resolve) => serve.stdout.once('data', resolve));
  const redis = new Redis(join(data, 'redis', 'redis.sock'));
  await redis.command('AUTH', 'admin', readFileSync(join(data, 'redis', 'admin.secret'), 'utf8').trim());
  const ours = [], counted = [], theirs = [];
  for (let i = 0; i < rounds; i++) {
    const site = `bench${i}.example`;
    run(footfall, ['site', 'add', site, '--data', data]);
    theirs.push(run('goaccess', [log, '--log-format=COMBINED', '-o', join(folder, 'report.json'), '--no-progress']));
    const began = process.hrtime.bigint();
    ours.push(run(footfall, ['import', '--data', data, '--site', site, log]));
    await workedOff(redis);
    counted.push(seconds(began));
    run(footfall, ['site', 'remove', site, '--yes', '--data', data]);
  }
  redis.close();
  const ratios = ours.map((time, i) => theirs[i] / time), countedRatios = counted.map((time, i) => theirs[i] / time);
  const round = (value) => Number(value.toFixed(3));
  console.log(JSON.stringify({
    bench: 'import', lines, mb: Math.round(statSync(log).size / 1e6), rounds,
    footfall_s: round(median(ours)), counted_s: round(median(counted)), goaccess_s: round(median(theirs)),
    ratio: round(median(ratios)), ratios: ratios.map(round),
    counted_ratio: round(median(countedRatios)), counted_ratios: countedRatios.map(round),
    lines_per_second: Math.round(lines / median(ours)),
  }));
} finally {
  serve.kill('SIGTERM');
  await ended;
  rmSync(folder, {recursive: true, force: true});
}
