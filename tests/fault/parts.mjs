// Footfall's roles and its Redis as processes of the test's own, not below `serve`: each can be
// killed, kept away and brought back as the test says, and the collector may be given another way to
// Redis. The folder, Redis's configuration and the roles' secrets are what `serve` has made.

import { spawn } from 'node:child_process';
import { appendFileSync, openSync, closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXECUTABLE, Footfall, pause, until } from '../e2e/harness.mjs';
import { Redis } from '../e2e/redis.mjs';

export const REDIS = 'redis-server';
export const SECOND = 'aggregate, second'; // which does what the first does, at the same time
const STOP_ORDER = ['collect', 'dashboards', 'aggregate', SECOND, REDIS];
const ROLES = [REDIS, 'aggregate', 'collect', 'dashboards'];
const BACK_MS = 100; // before what has died is started again
const READY_MS = 30_000;
const STOP_MS = 30_000;
const ALLOWED = 'user test on nopass ~* &* +@all'; // of Redis: for what no role may do

export class Parts extends Footfall {
  #parts = new Map(); // role → {child, ended}
  #isMade = false;
  #isStopping = false;

  /** Roles that are not started again when they die. */
  away = new Set();

  /** Whether there are two aggregators. */
  hasSecond = false;

  /** Options with which Redis is started from now on. */
  redisOptions = [];

  /** The socket by which the collector is to reach Redis, below the folder. */
  collectorSocket = 'redis/redis.sock';

  /** Variables of the collector's next start. */
  collectorVariables = () => ({});

  /** {role: deaths that nobody asked for}. */
  deaths = {};

  async launch() {
    if (!this.#isMade) {
      await super.launch();
      await super.halt();
      appendFileSync(this.redisFile('users.acl'), `${ALLOWED}\n`);
      this.#isMade = true;
    }
    this.#isStopping = false;
    for (const role of ROLES) this.#start(role);
    if (this.hasSecond) this.#start(SECOND);
    await this.isBack();
  }

  redisFile(name) {
    return join(this.data, 'redis', name);
  }

  async isBack() {
    await until('all roles to be ready', () => this.isReady(), READY_MS).catch(async (error) => {
      const told = await Promise.all(ROLES.slice(1).map((role) => this.ready(role).catch(String)));
      throw new Error(`${error.message}\n${told.join('\n')}\n${this.logs()}`);
    });
  }

  #adminOf(name) {
    return `unix:${join(this.data, 'run', name)}`;
  }

  #roleEnvironment(role) {
    const env = {
      ...this.environment(),
      FOOTFALL_COLLECTOR_LISTEN: `127.0.0.1:${this.collector}`,
      FOOTFALL_DASHBOARDS_LISTEN: `127.0.0.1:${this.dashboards}`,
      FOOTFALL_COLLECTOR_ADMIN: this.#adminOf('collect'),
      FOOTFALL_AGGREGATOR_ADMIN: this.#adminOf(role === SECOND ? 'second' : 'aggregate'),
      FOOTFALL_DASHBOARDS_ADMIN: this.#adminOf('dashboards'),
    };
    if (role !== 'collect') return env;
    const secret = readFileSync(this.redisFile('collector.secret'), 'utf8').trim();
    return { ...env, ...this.collectorVariables(), FOOTFALL_REDIS_URL: `unix://collector:${secret}@${join(this.data, this.collectorSocket)}` };
  }

  #start(role) {
    const log = openSync(join(this.data, 'log', `${role}.log`), 'a', 0o600);
    const [cwd, ...words] =
      role === REDIS
        ? [join(this.data, 'redis'), 'redis-server', './redis.conf', ...this.redisOptions]
        : [this.data, EXECUTABLE, role === SECOND ? 'aggregate' : role, '--data', this.data];
    // Nothing may outlive this process, however it ends.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...words], {
      cwd,
      env: this.#roleEnvironment(role),
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    this.#parts.set(role, { child, ended });
    ended.then((how) => this.#onEnd(role, child, how));
  }

  async #onEnd(role, child, { signal }) {
    if (signal !== 'SIGKILL' && !this.#isStopping) this.deaths[role] = (this.deaths[role] ?? 0) + 1;
    await pause(BACK_MS);
    const isBrought = this.#parts.get(role).child !== child;
    if (!isBrought && !this.#isStopping && !this.away.has(role)) this.#start(role);
  }

  /** False when it is not there. It comes back by itself unless it is `away`. */
  kill(role, signal = 'SIGKILL') {
    return this.#parts.get(role).child.kill(signal);
  }

  /** Kills and keeps away. */
  async take(role) {
    this.away.add(role);
    this.kill(role);
    await this.#parts.get(role).ended;
  }

  bring(role) {
    this.away.delete(role);
    this.#start(role);
  }

  children() {
    return Object.fromEntries([...this.#parts].map(([role, { child }]) => [role, child.pid]));
  }

  connectRedis() {
    const redis = new Redis(this.redisFile('redis.sock'));
    redis.command('AUTH', 'test', '').catch(() => {});
    return redis;
  }

  abandon() {
    this.#isStopping = true;
    for (const { child } of this.#parts.values()) child.kill('SIGKILL');
    super.abandon();
  }

  /** In the order in which `serve` does it; gives how the first that ended badly ended. */
  async halt() {
    this.#isStopping = true;
    let worst = { code: 0, signal: null };
    for (const role of STOP_ORDER.filter((each) => this.#parts.has(each))) {
      const { child, ended } = this.#parts.get(role);
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      const how = await ended;
      clearTimeout(timer);
      if (worst.code === 0 && how.code !== 0) worst = { role, ...how };
    }
    this.closeRedis();
    this.checkReports();
    return worst;
  }
}
