// The ingest benchmark: durable 204s of the whole Footfall beside a bare libh2o's, in one run.
//
//   node tests/bench/ingest.mjs FOOTFALL BARE [--seconds N] [--rounds N] [--workers N]
//
// Rounds alternate between the two servers, since machines are shared and noisy; the line printed
// holds medians and the ratio of each round. mix.views is 1, so every 204 was answered after an
// fsync. wrk replays 5,000 client addresses, 50 pages and five browsers on 256 connections.
import {spawn, spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir, cpus} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {createServer} from 'node:net';

const here = dirname(fileURLToPath(import.meta.url));
const [footfall, bare] = process.argv.slice(2);
const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const seconds = option('seconds', 10), rounds = option('rounds', 3);
const workers = option('workers', Math.max(1, cpus().length - 1));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const {port} = server.address();
    server.close(() => resolve(port));
  });
});

function load(port, seed) {
  const run = spawnSync('wrk', ['-t1', '-c256', `-d${seconds}s`, '-s', join(here, 'ingest.lua'),
    `http://127.0.0.1:${port}/b`, '--', String(seed)], {encoding: 'utf8'});
  const line = /RESULT (.*)/.exec(run.stdout);
  if (!line) throw new Error(`wrk failed: ${run.stderr}${run.stdout}`);
  const result = JSON.parse(line[1]);
  if (result.not_2xx || result.socket_errors) throw new Error(`bad answers: ${line[1]}`);
  return {...result, per_second: result.requests / result.seconds};
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const round = (value, digits) => Number(value.toFixed(digits));

// Descendants of the supervisor by the role in their command line, or their program's name.
function roles(supervisor) {
  const parents = new Map(), words = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      parents.set(Number(pid), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      words.set(Number(pid), readFileSync(`/proc/${pid}/cmdline`, 'utf8').split(/[\0 ]/));
    } catch { /* it has ended */ }
  }
  const isBelow = (pid) => pid === supervisor || (parents.has(pid) && isBelow(parents.get(pid)));
  const found = {};
  for (const [pid, [program, command]] of words)
    if (pid !== supervisor && isBelow(pid))
      found[program.includes('redis-server') ? 'redis' : command] = pid;
  return found;
}

function peakKilobytes(pid) {
  const line = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return line ? Number(line[1]) : 0;
}

async function counted(port, until) {
  const body = JSON.stringify({site_id: 'bench.example', metrics: ['pageviews'], date_range: 'all'});
  let last = -1;
  for (let i = 0; i < 200; i++) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v2/query`, {method: 'POST', body});
    const views = (await answer.json()).results?.[0]?.metrics[0] ?? 0;
    if (views >= until && views === last) break;
    last = views;
    await sleep(100);
  }
  return last;
}

for (const program of [footfall, bare])
  if (!existsSync(program ?? '')) {
    console.error(`${program} is not there: build the release preset first.`);
    process.exit(2);
  }

const data = mkdtempSync(join(tmpdir(), 'footfall-bench-'));
const collectorPort = await freePort(), dashboardsPort = await freePort();
const bareServer = spawn(bare, [String(workers)], {stdio: ['ignore', 'pipe', 'inherit']});
const barePort = await new Promise((resolve) =>
  bareServer.stdout.once('data', (text) => resolve(Number(text))));
const serve = spawn(footfall, ['serve', '--data', data, '--collector-listen',
  `127.0.0.1:${collectorPort}`, '--dashboards-listen', `127.0.0.1:${dashboardsPort}`], {
  stdio: 'ignore',
  env: {...process.env, FOOTFALL_MIX_VIEWS: '1', FOOTFALL_HTTP_TRUSTED_PROXIES: '127.0.0.0/8',
    FOOTFALL_HTTP_CLOSE_AFTER_BODY: 'never', FOOTFALL_COLLECTOR_WORKERS: String(workers)},
});
const ended = new Promise((resolve) => serve.once('exit', resolve));

try {
  for (let i = 0; i < 300; i++) {
    const ready = await fetch(`http://127.0.0.1:${collectorPort}/readyz`).catch(() => null);
    if (ready?.status === 200) break;
    await sleep(100);
  }
  const added = spawnSync(footfall, ['site', 'add', 'bench.example', '--data', data],
    {encoding: 'utf8'});
  if (added.status !== 0) throw new Error(added.stderr);
  await sleep(500);
  const bares = [], ours = [];
  for (let i = 0; i < rounds; i++) {
    bares.push(load(barePort, i + 1));
    ours.push(load(collectorPort, i + 1));
  }
  const pids = roles(serve.pid);
  const answered = ours.reduce((sum, run) => sum + run.requests, 0);
  const ratios = ours.map((run, i) => run.per_second / bares[i].per_second);
  console.log(JSON.stringify({
    bench: 'ingest', rounds, seconds, workers, connections: 256,
    bare_per_second: Math.round(median(bares.map((run) => run.per_second))),
    footfall_per_second: Math.round(median(ours.map((run) => run.per_second))),
    ratio: round(median(ratios), 3), ratios: ratios.map((ratio) => round(ratio, 3)),
    bare_p99_ms: round(median(bares.map((run) => run.p99_us)) / 1000, 2),
    footfall_p99_ms: round(median(ours.map((run) => run.p99_us)) / 1000, 2),
    collector_peak_mb: round(peakKilobytes(pids.collect) / 1024, 1),
    redis_peak_mb: round(peakKilobytes(pids.redis) / 1024, 1),
    aggregator_peak_mb: round(peakKilobytes(pids.aggregate) / 1024, 1),
    answered, counted: await counted(dashboardsPort, answered),
  }));
} finally {
  bareServer.kill();
  serve.kill('SIGTERM');
  await ended;
  rmSync(data, {recursive: true, force: true});
}
