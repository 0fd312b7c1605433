// `footfall check` on a running Footfall, and on what is wrong: a role that hangs, a log that nobody
// counts, a Redis that keeps none of the promises.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { Footfall, UNHURRIED, pause, until } from './harness.mjs';
import { Redis } from './redis.mjs';

const SITE = 'check.example';

function has(run, ...lines) {
  for (const line of lines) assert.match(run.out, line, `${line} is not in\n${run.out}${run.error}`);
}

test('a good Footfall has no trouble', async () => {
  const footfall = await Footfall.start(UNHURRIED);
  try {
    const isReady = async (role) => JSON.parse(await footfall.ready(role)).status === 'ready';
    for (const role of ['collect', 'aggregate', 'dashboards']) await until(`${role} to be ready`, () => isReady(role));
    const run = footfall.command('check', '--data', footfall.data);
    assert.equal(run.code, 0, run.out);
    assert.doesNotMatch(run.out, /^(TROUBLE|warning)/m);
    has(
      run,
      /^good +Redis's settings keep what Footfall promises\.$/m,
      /^good +Each role may do in Redis what it needs, and no more\.$/m,
      /^good +The functions that store counts are loaded, and are this version's\.$/m,
      /^good +The log is counted as it comes \(batches that wait: 0\)\.$/m,
      /^good +collect is ready\.$/m,
      /^good +aggregate is ready\.$/m,
      /^good +dashboards is ready\.$/m,
    );
  } finally {
    await footfall.stop();
  }
});

test('a role that hangs, and a log that nobody counts, are trouble', async () => {
  const footfall = await Footfall.start(UNHURRIED);
  const { aggregate } = footfall.children();
  try {
    await footfall.addSite(SITE);
    process.kill(aggregate, 'SIGSTOP');
    assert.equal((await footfall.view({ s: SITE, u: `http://${SITE}/` })).status, 204);
    let run;
    await until(
      'the log to be late',
      async () => {
        run = footfall.command('check', '--data', footfall.data);
        if (!/not counted yet/.test(run.out)) await pause(1000);
        return /not counted yet/.test(run.out);
      },
      40_000,
    );
    assert.equal(run.code, 1);
    has(
      run,
      /^TROUBLE +The log has \d+ batches that are not counted yet, the oldest for [1-9]\d seconds/m,
      /^TROUBLE +aggregate does not answer on unix:\S+\/run\/aggregate: it does not answer\.$/m,
      /^good +collect is ready\.$/m,
    );
    process.kill(aggregate, 'SIGCONT');
    await footfall.settle();
    assert.equal(footfall.command('check', '--data', footfall.data).code, 0);
  } finally {
    process.kill(aggregate, 'SIGCONT');
    await footfall.stop();
  }
});

test('a Redis that keeps no promise is trouble, by name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'footfall-check-'));
  const footfall = await Footfall.start(); // for its commands' environment
  const socket = join(folder, 'redis.sock');
  const options = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', [...options, '--maxmemory-policy', 'allkeys-lru'], { stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  try {
    const config = join(folder, 'footfall.yaml');
    writeFileSync(config, `data: ${folder}\nredis:\n  url: unix://${socket}\n`);
    const redis = await until('Redis', () => {
      const link = new Redis(socket);
      return link.text('PING').then(() => link, () => null);
    });
    const check = () => footfall.command('check', '--config', config);
    has(
      check(),
      /^TROUBLE +Redis's appendonly is no and should be yes/m,
      /^TROUBLE +Redis's appendfsync is everysec and should be always/m,
      /^TROUBLE +Redis's maxmemory-policy is allkeys-lru and should be noeviction/m,
      /^TROUBLE +Redis lets in whoever reaches it, without a password/m,
      /^TROUBLE +The functions that store counts are not loaded/m,
      /^note +Redis does not tell what the users collector, aggregator and dashboards may do \(0 of/m,
      /^note +collect does not run on this data folder, or tells nothing \(collector\.admin\)\.$/m,
    );
    assert.equal(check().code, 1);
    await redis.command('FUNCTION', 'LOAD', "#!lua name=footfall\nredis.register_function('append', function() end)");
    for (const user of ['collector', 'aggregator', 'dashboards'])
      await redis.command('ACL', 'SETUSER', user, 'on', 'nopass', '~*', '&*', '+@all');
    await redis.command('ACL', 'SETUSER', 'aggregator', '-fcall');
    has(
      check(),
      /^TROUBLE +The functions that store counts are another version's/m,
      /^TROUBLE +Redis's user collector may use hgetall: what faces the internet can read counts\.$/m,
      /^TROUBLE +Redis's user dashboards may use hset: a reader's process can change counts\.$/m,
      /^TROUBLE +Redis's user aggregator may not use fcall: nothing is counted\.$/m,
    );
    redis.close();
  } finally {
    server.kill('SIGTERM');
    await ended;
    await footfall.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
