// What the processes of a running Footfall may do to the machine, as the kernel tells it; and that all
// they are there for goes on in the sandbox: geo databases that are replaced, a journal that is
// rewritten, a role that is killed.
//   node sandbox.mjs   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { Footfall, UNHURRIED, until } from './harness.mjs';
import { mmdbBytes } from './mmdb.mjs';

const SITE = 'sandbox.example';
const ROLES = ['aggregate', 'collect', 'dashboards', 'redis-server'];
const NO_CAPABILITY = '0000000000000000';

/** A field of /proc/PID/status. */
const statusOf = (pid, field) => readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${field}:\\s*(.*)$`, 'm'))[1];

function assertClosedIn(footfall) {
  const children = footfall.children();
  assert.deepEqual(ROLES.filter((role) => !children[role]), [], 'all of them run');
  for (const [role, pid] of Object.entries({ ...children, serve: footfall.pid })) {
    for (const set of ['CapEff', 'CapPrm', 'CapAmb']) assert.equal(statusOf(pid, set), NO_CAPABILITY, `${role}: ${set}`);
    assert.equal(statusOf(pid, 'NoNewPrivs'), '1', role);
    if (ROLES.includes(role)) assert.equal(statusOf(pid, 'Seccomp'), '2', role);
  }
}

/** A database in which 81.2.69.0/24 is of one country. */
const database = (country) => mmdbBytes({ '81.2.69.0/24': { country: { iso_code: country } } });

const viewFrom = (footfall, address) =>
  footfall.view({ s: SITE, u: `http://${SITE}/` }, { 'x-forwarded-for': address });

test('every process is without powers, and goes on without them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'footfall-geo-'));
  const geo = join(folder, 'country.mmdb');
  writeFileSync(geo, database('FR'));
  const footfall = await Footfall.start({ ...UNHURRIED, FOOTFALL_GEO_DATABASE: geo });
  try {
    assertClosedIn(footfall);
    await footfall.addSite(SITE);
    assert.equal((await viewFrom(footfall, '81.2.69.7')).status, 204);

    writeFileSync(`${geo}.new`, database('DE'));
    renameSync(`${geo}.new`, geo);
    process.kill(footfall.pid, 'SIGHUP');
    await until('the new geo database', () => /geo database read anew/.test(footfall.logs()));
    assert.equal((await viewFrom(footfall, '81.2.69.8')).status, 204);
    await footfall.settle();
    assert.deepEqual(await footfall.by(SITE, 'visit:country', 'pageviews'), { FR: 1, DE: 1 });

    await footfall.redis().command('BGREWRITEAOF');
    const status = () => footfall.redis().text('INFO', 'persistence');
    await until('the rewrite', async () => /aof_rewrite_in_progress:0/.test(await status()));
    assert.match(await status(), /aof_last_bgrewrite_status:ok/);
    assert.ok(readdirSync(join(footfall.data, 'redis', 'appendonlydir')).some((name) => name.includes('.2.')));

    const { collect } = footfall.children();
    process.kill(collect, 'SIGKILL');
    await until('the collector to be back', async () => {
      const now = footfall.children().collect;
      return now && now !== collect && (await footfall.isReady());
    });
    assertClosedIn(footfall);
    assert.doesNotMatch(footfall.logs(), /warn: this kernel/);
    const check = footfall.command('check', '--data', footfall.data);
    assert.match(check.out, /^good +The roles are closed in/m);
    assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
  } catch (error) {
    console.log(footfall.output, footfall.logs());
    await footfall.stop();
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
