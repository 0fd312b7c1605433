// A whole Footfall for tests: `footfall serve` on ephemeral loopback ports over a data folder of its
// own, beacons sent to it, questions asked of its query API, and a way to its private Redis. Every
// process that is started is ended by its id, and the folder is removed, whatever the test does.
//   FOOTFALL   the executable
// Nothing here knows how counting works.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { Redis } from './redis.mjs';

export const EXECUTABLE = process.env.FOOTFALL;
const START_MS = 30_000;
const STOP_MS = 45_000;
const SETTLED_MS = 1500; // workers tell once a second what they hold
const MIX_SECONDS = '1'; // drops alone make no section ripe
const IDLE_MS = 5000; // half of the collector's: no beacon leaves on a connection that is just being closed

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again and again until `probe` gives something true; throws, with `what`, after a while. */
export async function until(what, probe, timeoutMs = 60_000) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
    await pause(20);
  }
}

/** Waits until `probe` gives `expected`; fails as an assertion does when it never comes. */
export async function becomes(what, probe, expected) {
  const isIt = async () => isDeepStrictEqual(await probe(), expected);
  await until(what, isIt).catch(async () => assert.deepEqual(await probe(), expected, what));
}

/** A time zone in which it is about noon, so that no test sees a midnight. */
export function noonTimezone(now = new Date()) {
  const ahead = 12 - now.getUTCHours();
  return `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`; // "Etc/GMT-3" is three hours ahead
}

/** Calls `work(item)` for all of them, at most `width` at a time. */
export async function inParallel(items, width, work) {
  const list = [...items];
  let at = 0;
  const worker = async () => {
    while (at < list.length) await work(list[at++]);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** Whether a process of this id is there. */
export function isThere(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const CLIENT_PORTS = '/proc/sys/net/ipv4/ip_local_port_range';
const FIRST_PORT = 10_000;

/**
 * A free port for a server that may be away for a while: the kernel gives it to no client, and no
 * other test that asks here takes it before this one has ended; the same port of UDP says so.
 */
async function serverPort() {
  const end = Math.max(Number(readFileSync(CLIENT_PORTS, 'utf8').split(/\s/)[0]), FIRST_PORT + 1);
  const isReserved = (port) =>
    new Promise((resolve) => {
      const socket = createSocket('udp4').unref();
      socket.once('error', () => resolve(false));
      socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true));
    });
  const isFree = (port) =>
    new Promise((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
  return until('a free port', async () => {
    const port = FIRST_PORT + Math.floor(Math.random() * (end - FIRST_PORT));
    return (await isReserved(port)) && (await isFree(port)) && port;
  });
}

/**
 * One HTTP exchange at a port or a socket's path, on a connection of its own where no agent is given:
 * {status, headers, body}. Rejects when the connection fails.
 */
export function http(to, { method = 'GET', path = '/', headers = {}, body = null, agent = false } = {}) {
  const at = typeof to === 'string' ? { socketPath: to } : { host: '127.0.0.1', port: to };
  return new Promise((resolve, reject) => {
    const req = request({ ...at, method, path, headers, agent }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks) }));
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** Bytes as they are, and all that comes back until the server closes or is silent for a while. */
export function raw(port, bytes, silenceMs = 1000) {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write(bytes));
    const chunks = [];
    const end = () => {
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    };
    socket.setTimeout(silenceMs, end);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', end);
    socket.on('close', end);
  });
}

/** Process ids below `pid`, by what they are: "collect", "aggregate", "dashboards", "redis-server". */
function childrenOf(pid) {
  const read = (path) => {
    try {
      return readFileSync(`/proc/${path}`, 'latin1');
    } catch {
      return ''; // it has ended meanwhile
    }
  };
  const parents = new Map();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const stat = read(`${name}/stat`);
    if (stat) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isBelow = (each) => each === pid || (parents.has(each) && isBelow(parents.get(each)));
  const found = {};
  for (const each of parents.keys()) {
    if (each === pid || !isBelow(parents.get(each))) continue;
    const words = read(`${each}/cmdline`).split('\0');
    const role = /redis-server/.test(words[0]) ? 'redis-server' : words[1];
    if (role) found[role] = each;
  }
  return found;
}

export class Footfall {
  #child;
  #output = '';
  #ended;
  #redis = null;
  #agent = new Agent({ keepAlive: true, maxSockets: 128, timeout: IDLE_MS });

  /**
   * `env`: configuration by environment variables. Beacons may come from a trusted proxy, are
   * durable one by one, and two workers take them, unless `env` says otherwise. `prepare(footfall)`
   * sees it and its empty folder first.
   */
  static async start(env = {}, { prepare = () => {} } = {}) {
    const footfall = new this();
    footfall.data = mkdtempSync(join(tmpdir(), 'footfall-e2e-'));
    footfall.env = {
      FOOTFALL_MIX_VIEWS: '1',
      FOOTFALL_MIX_SECONDS: MIX_SECONDS,
      FOOTFALL_COLLECTOR_WORKERS: '2',
      FOOTFALL_HTTP_TRUSTED_PROXIES: '127.0.0.0/8,::1',
      FOOTFALL_HTTP_CLOSE_AFTER_BODY: 'never',
      ...env,
    };
    footfall.collector = await serverPort();
    footfall.dashboards = await serverPort();
    process.once('exit', footfall.#onExit);
    prepare(footfall);
    await footfall.launch();
    return footfall;
  }

  #onExit = () => {
    this.abandon();
    rmSync(this.data, { recursive: true, force: true });
  };

  /** Ends what still runs, without waiting for it. */
  abandon() {
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
  }

  /** Starts `serve` on the folder, as at first or after a stop. */
  async launch() {
    const at = (port) => `127.0.0.1:${port}`;
    const words = ['serve', '--data', this.data];
    words.push('--collector-listen', at(this.collector), '--dashboards-listen', at(this.dashboards));
    this.#child = spawn(EXECUTABLE, words, { env: this.environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (chunk) => (this.#output += chunk));
    this.#ended = new Promise((resolve) => this.#child.once('exit', (code, signal) => resolve({ code, signal })));
    this.#ended.then((how) => (this.how = how));
    this.how = null;
    await until(
      'Footfall to be ready',
      async () => {
        if (this.how) throw new Error(`serve has ended (${JSON.stringify(this.how)}):\n${this.#output}${this.logs()}`);
        return this.#output.includes('is running') && (await this.isReady());
      },
      START_MS,
    ).catch((error) => {
      throw new Error(`${error.message}\n${this.#output}${this.logs()}`);
    });
  }

  /** What the processes see. */
  environment() {
    const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('FOOTFALL_'));
    // A sanitizer's report would else be lost with the roles' standard error.
    const report = (name) => ({ [name]: `${process.env[name] ?? ''}:log_path=${this.#reports()}` });
    const reports = { ...report('ASAN_OPTIONS'), ...report('TSAN_OPTIONS'), ...report('UBSAN_OPTIONS') };
    const LSAN_OPTIONS = `suppressions=${fileURLToPath(new URL('../lsan.supp', import.meta.url))}:print_suppressions=0`;
    return { LSAN_OPTIONS, ...Object.fromEntries(clean), ...reports, ...this.env };
  }

  #reports() {
    return join(this.data, 'sanitizer');
  }

  /** Throws what a sanitizer has found, if it has. */
  checkReports() {
    const found = readdirSync(this.data).filter((name) => name.startsWith('sanitizer'));
    if (found.length > 0) throw new Error(found.map((name) => readFileSync(join(this.data, name), 'utf8')).join('\n'));
  }

  async isReady() {
    const answers = (port, path) => http(port, { path }).then((reply) => reply.status === 200, () => false);
    return (await answers(this.collector, '/readyz')) && (await answers(this.dashboards, '/api/sites'));
  }

  /** Closes the connections that beacons went by; nobody may wait for an answer. */
  hangUp() {
    this.#agent.destroy();
  }

  /** How `serve` ended, once it has. */
  hasEnded() {
    return this.#ended;
  }

  get pid() {
    return this.#child.pid;
  }

  get output() {
    return this.#output;
  }

  children() {
    return childrenOf(this.#child.pid);
  }

  /** What the roles logged. */
  logs() {
    const folder = join(this.data, 'log');
    try {
      return readdirSync(folder).map((name) => `--- ${name}\n${readFileSync(join(folder, name), 'utf8')}`).join('\n');
    } catch {
      return '';
    }
  }

  /** Asks it to stop, and gives {code, signal}. */
  async halt() {
    this.closeRedis();
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    const how = await this.#ended;
    clearTimeout(timer);
    this.checkReports();
    return how;
  }

  async stop() {
    const how = await this.halt();
    this.hangUp();
    process.removeListener('exit', this.#onExit);
    rmSync(this.data, { recursive: true, force: true });
    return how;
  }

  /** As the operator's commands. */
  redis() {
    if (!this.#redis || this.#redis.isAway) this.#redis = this.connectRedis();
    return this.#redis;
  }

  closeRedis() {
    this.#redis?.close();
    this.#redis = null;
  }

  connectRedis() {
    const redis = new Redis(join(this.data, 'redis', 'redis.sock'));
    const secret = readFileSync(join(this.data, 'redis', 'admin.secret'), 'utf8').trim();
    redis.command('AUTH', 'admin', secret).catch(() => {});
    return redis;
  }

  command(...words) {
    const run = spawnSync(EXECUTABLE, words, { env: this.environment(), encoding: 'utf8' });
    return { code: run.status, out: run.stdout, error: run.stderr };
  }

  /** The same without waiting for its end: a child process whose output is piped. */
  spawnCommand(...words) {
    return spawn(EXECUTABLE, words, { env: this.environment(), stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /** Adds a site and waits until every worker knows it; that is counted as drops, "prefetch". */
  async addSite(domain, { aliases = [], timezone = noonTimezone() } = {}) {
    const out = this.#listSite(domain, aliases, timezone);
    await this.#isKnown(domain);
    return out;
  }

  /** The same for many: workers know all when they know the last. */
  async addSites(domains) {
    for (const domain of domains) this.#listSite(domain, [], noonTimezone());
    await this.#isKnown(domains.at(-1));
  }

  #listSite(domain, aliases, timezone) {
    const words = ['site', 'add', domain, '--data', this.data, '--timezone', timezone];
    const added = this.command(...words, ...aliases.flatMap((alias) => ['--alias', alias]));
    if (added.code !== 0) throw new Error(`site add: ${added.error}`);
    return added.out;
  }

  async #isKnown(domain) {
    const knows = () => this.view({ s: domain, u: `http://${domain}/` }, { purpose: 'prefetch', connection: 'close' });
    await until(`workers to know ${domain}`, async () => {
      const replies = await Promise.all(Array.from({ length: 16 }, knows));
      return replies.every((reply) => reply.status === 202);
    });
    await until(`the dashboards to know ${domain}`, async () =>
      (await http(this.dashboards, { path: '/api/sites' })).body.includes(`"${domain}"`));
  }

  /** A beacon's answer: {status, headers, body}. */
  post(body, headers = {}) {
    return http(this.collector, {
      method: 'POST',
      path: '/b',
      headers: { 'content-type': 'text/plain', 'user-agent': BROWSER, ...headers },
      body,
      agent: this.#agent,
    });
  }

  /** `fields` as in interface.md: {s, u, r, n, …}. */
  view(fields, headers = {}) {
    return this.post(new URLSearchParams(fields).toString(), headers);
  }

  /** The newest entry of the log, and the last that is applied. */
  async #logEnds() {
    const info = await this.redis().command('XINFO', 'STREAM', 'ff:{0}:log').catch(() => []);
    const at = info.findIndex((item) => String(item) === 'last-generated-id');
    const cursor = await this.redis().text('GET', 'ff:{0}:cursor').catch(() => 'unknown');
    return [at < 0 ? '0-0' : String(info[at + 1]), cursor ?? '0-0'];
  }

  /** The files of the spool that wait for Redis: [{name, path, bytes}]. */
  spooled() {
    const folder = join(this.data, 'spool');
    const names = readdirSync(folder).filter((name) => /\.(seg|heir)$/.test(name));
    return names.flatMap((name) => {
      const path = join(folder, name);
      const about = statSync(path, { throwIfNoEntry: false });
      return about ? [{ name, path, bytes: about.size }] : []; // it may have gone meanwhile
    });
  }

  /** A role's checks, as its admin listener tells them in JSON. */
  async ready(role) {
    const { body } = await http(join(this.data, 'run', role), { path: '/readyz', headers: { connection: 'close' } });
    return body.toString();
  }

  /** Whether workers hold what is not in the log or the spool yet, and what no test lets them keep. */
  async #isHeld() {
    if (this.env.FOOTFALL_MIX_SECONDS !== MIX_SECONDS) return false;
    const told = await http(join(this.data, 'run', 'collect'), { path: '/metrics' }).catch(() => null);
    return told !== null && /^footfall_collector_(open_sections|queued_batches) [1-9]/m.test(told.body);
  }

  /** Waits until all that has come is applied, and nothing new comes for a while. */
  async settle(timeoutMs = 30_000) {
    let since = performance.now();
    let last = '';
    await until(
      'the counts to settle',
      async () => {
        const [newest, cursor] = await this.#logEnds();
        if (newest !== cursor || newest !== last || this.spooled().length > 0 || (await this.#isHeld())) since = performance.now();
        last = newest;
        return performance.now() - since >= SETTLED_MS;
      },
      timeoutMs,
    );
  }

  /** Waits until all that has come so far is applied, while more may come. */
  async catchUp(timeoutMs = 60_000) {
    const [newest] = await this.#logEnds();
    const order = (id) => id.split('-').map(Number);
    const isBehind = ([ms, at], [otherMs, otherAt]) => ms < otherMs || (ms === otherMs && at < otherAt);
    await until('the log to be applied', async () => !isBehind(order((await this.#logEnds())[1]), order(newest)), timeoutMs);
  }

  /** All that Redis holds: each key's bytes and expiry, and the files behind them. */
  async photograph() {
    const redis = this.redis();
    const keys = {};
    for (const key of await redis.keys()) {
      const name = Buffer.from(key, 'latin1');
      const dump = await redis.command('DUMP', name);
      keys[key] = `${dump.toString('hex')} until ${await redis.command('PEXPIRETIME', name)}`;
    }
    const info = await redis.text('INFO', 'persistence');
    const field = (name) => info.match(new RegExp(`^${name}:(\\S+)`, 'm'))[1];
    const folder = join(this.data, 'redis', 'appendonlydir');
    const files = readdirSync(folder).sort().map((name) => {
      const bytes = readFileSync(join(folder, name));
      return `${name} ${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;
    });
    return { keys, changes: field('rdb_changes_since_last_save'), aof: field('aof_current_size'), files };
  }

  /** The query API's answer as an object; throws on a refusal. */
  async query(question) {
    const reply = await http(this.dashboards, {
      method: 'POST',
      path: '/api/v2/query',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ date_range: 'day', ...question }),
    });
    const answer = JSON.parse(reply.body.toString());
    if (reply.status !== 200) throw new Error(`${JSON.stringify(question)}: ${reply.status} ${answer.error}`);
    return answer;
  }

  /** Today's totals of a site: {metric: number}. */
  async totals(site, metrics = ['visitors', 'visits', 'pageviews', 'bounce_rate']) {
    const { results } = await this.query({ site_id: site, metrics });
    return Object.fromEntries(metrics.map((metric, at) => [metric, results[0]?.metrics[at] ?? 0]));
  }

  /** Today's rows by a dimension: {value: number or [numbers]}, in the metrics' order. */
  async by(site, dimension, ...metrics) {
    const { results } = await this.query({
      site_id: site,
      metrics,
      dimensions: [dimension],
      pagination: { limit: 10_000 },
    });
    const value = (row) => (metrics.length === 1 ? row.metrics[0] : row.metrics);
    return Object.fromEntries(results.map((row) => [row.dimensions[0], value(row)]));
  }

  /** What is stored of a site's only day, in one table: {field: number}. */
  async stored(site, table) {
    const pattern = table === 'drops' ? `ff:{0}:${site}:drops:` : `ff:{0}:${site}:live:`;
    const keys = (await this.redis().keys()).filter(
      (key) => key.startsWith(pattern) && (table === 'drops' || key.endsWith(`:${table}`)),
    );
    if (keys.length > 1) throw new Error(`${site} has ${keys.length} days.`);
    const hash = keys.length === 0 ? new Map() : await this.redis().hash(keys[0]);
    return Object.fromEntries(countsOf(table, hash));
  }
}

/** A live hash as [letter and value, number]; the two numbers of a cross's cell come one by one. */
export function countsOf(table, hash) {
  if (!table.includes('*')) return [...hash].map(([field, number]) => [field, Number(number)]);
  const views = table.endsWith('*event') ? 'c' : 'v';
  const one = ([pair, counts]) => counts.split(':').map((number, at) => [(at === 0 ? views : 's') + pair, Number(number)]);
  return [...hash].flatMap(one).filter(([, number]) => number !== 0);
}

/** Answers wait until all is durable, however slow the machine is: 204 for whatever is counted. */
export const UNHURRIED = { FOOTFALL_ACK_WAIT_MS: '5000' };

/** A User-Agent that counts. */
export const BROWSER =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';
