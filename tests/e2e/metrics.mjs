// What the roles tell of themselves: that a scrape is Prometheus's text, that it tells what happened,
// that a refusal moves nothing in it, and what the checks say while Redis hangs.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { BROWSER, Footfall, UNHURRIED, http, inParallel, pause, until } from './harness.mjs';

const SITE = 'metrics.example';
const ROLES = ['collect', 'aggregate', 'dashboards'];
const TOLD_MS = 1300; // numbers are at most a second old

/** GET at a role's admin socket: {status, type, body}. */
function ask(footfall, role, path) {
  return new Promise((resolve, reject) => {
    const options = { socketPath: join(footfall.data, 'run', role), path, headers: { connection: 'close' } };
    const req = request(options, (res) => {
      let body = '';
      res.setEncoding('utf8').on('data', (chunk) => (body += chunk));
      res.on('end', () => resolve({ status: res.statusCode, type: res.headers['content-type'], body }));
    });
    req.on('error', reject).end();
  });
}

/** The text of a scrape as {series: value}; throws where it breaks the format. */
function parse(text) {
  const series = {};
  const typed = new Map();
  let name = null;
  assert.match(text, /\n$/);
  for (const line of text.trimEnd().split('\n')) {
    const help = line.match(/^# HELP ([a-z_]+) [^\\]+$/);
    const type = line.match(/^# TYPE ([a-z_]+) (counter|gauge)$/);
    const sample = line.match(/^([a-z_]+)(\{([a-z_]+="[^"\\\n]*",?)+\})? (\d+(\.\d+)?)$/);
    assert.ok(help || type || sample, line);
    if (help) {
      assert.ok(!typed.has(help[1]), `${help[1]} stands in two places`);
      name = help[1];
    } else if (type) {
      assert.equal(type[1], name);
      typed.set(name, type[2]);
    } else {
      assert.equal(sample[1], name);
      const key = line.slice(0, line.lastIndexOf(' '));
      assert.ok(!(key in series), `${key} stands there twice`);
      series[key] = Number(sample[4]);
    }
  }
  return series;
}

async function scrape(footfall, role) {
  const { status, type, body } = await ask(footfall, role, '/metrics');
  assert.equal(status, 200);
  assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8');
  return parse(body);
}

const beacons = (labels) => `footfall_collector_beacons_total{${labels}}`;

/** One connection a beacon, closed after it: so that none is open while a scrape is compared. */
function beacon(footfall, body, headers = {}) {
  return http(footfall.collector, {
    method: 'POST',
    path: '/b',
    headers: { 'content-type': 'text/plain', 'user-agent': BROWSER, connection: 'close', ...headers },
    body,
  });
}
const pixel = (footfall, headers) =>
  http(footfall.collector, {
    path: `/b.gif?s=${SITE}&p=/`,
    headers: { 'user-agent': BROWSER, connection: 'close', ...headers },
  });

const VIEW = `s=${SITE}&u=http://${SITE}/`;
const TOO_LARGE = 'x'.repeat(9000);

test('what happens is told', async () => {
  const footfall = await Footfall.start(UNHURRIED);
  try {
    await footfall.addSite(SITE);
    await pause(TOLD_MS);
    const before = await scrape(footfall, 'collect');
    const times = (count, work) => inParallel(Array.from({ length: count }, (_, at) => at), 4, work);
    await times(11, async (at) =>
      assert.equal((await beacon(footfall, VIEW, { 'x-forwarded-for': `198.51.100.${at}` })).status, 204),
    );
    await times(2, async () => assert.equal((await beacon(footfall, VIEW, { 'user-agent': 'curl/8' })).status, 202));
    await times(3, async () => assert.equal((await beacon(footfall, VIEW, { 'sec-purpose': 'prefetch' })).status, 202));
    await times(4, async () => assert.equal((await beacon(footfall, VIEW, { origin: 'http://else.example' })).status, 202));
    await times(5, async () => assert.equal((await beacon(footfall, `s=${SITE}`)).status, 400));
    await times(6, async () => assert.equal((await beacon(footfall, 's=no.example&u=http://no.example/')).status, 404));
    await times(7, async () => assert.equal((await beacon(footfall, TOO_LARGE)).status, 413));
    await times(8, async () => assert.equal((await pixel(footfall)).status, 200));
    await pixel(footfall, { 'user-agent': 'curl/8' });
    await footfall.settle();
    await pause(TOLD_MS);
    const after = await scrape(footfall, 'collect');
    const grown = (series) => after[series] - before[series];
    const expected = {
      [beacons('answer="204",outcome="durable"')]: 11,
      [beacons('answer="202",outcome="accepted"')]: 0,
      [beacons('answer="202",outcome="dropped"')]: 9,
      [beacons('answer="200",outcome="accepted"')]: 8,
      [beacons('answer="200",outcome="dropped"')]: 1,
      [beacons('answer="400",outcome="malformed"')]: 5,
      [beacons('answer="404",outcome="unknown_site"')]: 6,
      [beacons('answer="413",outcome="too_large"')]: 7,
      [beacons('answer="503",outcome="no_room"')]: 0,
      'footfall_collector_drops_total{reason="bot"}': 3,
      'footfall_collector_drops_total{reason="prefetch"}': 3,
      'footfall_collector_drops_total{reason="foreign_origin"}': 4,
      'footfall_collector_drops_total{reason="no_room"}': 0,
      'footfall_collector_malformed_total{reason="no_url"}': 5,
    };
    for (const [series, number] of Object.entries(expected)) assert.equal(grown(series), number, series);
    assert.equal(after.footfall_collector_workers, 2);
    assert.equal(after.footfall_collector_redis_links_up, 2);
    assert.equal(after.footfall_collector_open_visits, 12);
    assert.equal(after.footfall_collector_queued_batches, 0);

    // The aggregator has applied what the collectors' log has taken, and the dashboards show the drops.
    let applied;
    await until('all to be applied', async () => {
      const { footfall_collector_batches_sealed_total: batches } = await scrape(footfall, 'collect');
      applied = await scrape(footfall, 'aggregate');
      return applied.footfall_aggregator_entries_applied_total === batches && applied.footfall_aggregator_log_entries_behind === 0;
    });
    assert.ok(applied.footfall_aggregator_applies_total > 0);
    const drops = await footfall.by(SITE, 'event:drop_reason', 'events');
    assert.equal(drops.bot, 3);
    assert.equal(drops.foreign_origin, 4);
    assert.ok(drops.prefetch >= 3); // adding a site sends some
    const reader = footfall.command('stats', SITE, '--by', 'drop_reason', '--data', footfall.data);
    assert.match(reader.out, /^ +foreign_origin\s.* 4$/m);
  } catch (error) {
    console.log(footfall.logs());
    throw error;
  } finally {
    await footfall.stop();
  }
});

test('what readers ask is told', async () => {
  const footfall = await Footfall.start(UNHURRIED);
  try {
    await footfall.addSite(SITE);
    const stream = request({ host: '127.0.0.1', port: footfall.dashboards, path: `/api/live/${SITE}` });
    const opened = new Promise((resolve) => stream.on('response', (res) => resolve(res.resume())));
    stream.on('error', () => {}).end();
    await opened;
    await footfall.query({ site_id: SITE, metrics: ['visits'] });
    await assert.rejects(footfall.query({ site_id: SITE, metrics: ['revenue'] }), /400/);
    await assert.rejects(footfall.query({ site_id: SITE, metrics: ['visits'], dimensions: ['event:drop_reason'] }), /400/);
    await assert.rejects(footfall.query({ site_id: 'no.example', metrics: ['visits'] }), /404/);
    let told;
    await until('the cache and the stream to be told', async () => {
      told = await scrape(footfall, 'dashboards');
      return told.footfall_dashboards_cache_bytes > 0 && told.footfall_dashboards_live_streams === 1;
    });
    const queries = (labels) => told[`footfall_dashboards_queries_total{${labels}}`];
    assert.equal(queries('answer="200",outcome="answered"'), 1);
    assert.equal(queries('answer="400",outcome="refused"'), 2);
    assert.equal(queries('answer="404",outcome="unknown_site"'), 1);
    assert.ok(told['footfall_dashboards_cache_lookups_total{outcome="miss"}'] > 0);
    stream.destroy();
    // A reader that has gone is found when there is something to tell.
    await until('the stream to end', async () => {
      await beacon(footfall, VIEW);
      await pause(TOLD_MS);
      return (await scrape(footfall, 'dashboards')).footfall_dashboards_live_streams === 0;
    });
  } finally {
    await footfall.stop();
  }
});

/** All that the roles tell, but for time and memory of the process, when the list was read, and what looking for days to close takes. */
async function photograph(footfall) {
  const texts = await Promise.all(ROLES.map((role) => ask(footfall, role, '/metrics')));
  const lines = texts
    .map((reply) => reply.body)
    .join('')
    .replace(/^(\w+_sites_read_timestamp_seconds) .*$/gm, '$1 T')
    .split('\n')
    .filter((line) => !/^(\S+ \S+ )?process_|close_seconds/.test(line));
  return lines.join('\n');
}

test('a refusal moves nothing', async () => {
  const footfall = await Footfall.start(UNHURRIED);
  const REFUSALS = [{ 'sec-gpc': '1' }, { dnt: '1' }, { cookie: 'footfall_optout=1' }, { cookie: 'x'.repeat(5000) }];
  const BODIES = [
    VIEW,
    `${VIEW}&n=signup&p=%7B%22plan%22%3A%22pro%22%7D`,
    `${VIEW}&n=engagement&t=5000&d=80`,
    `s=${SITE}`,
    's=no.example&u=http://no.example/',
    TOO_LARGE,
    '%ff',
  ];
  try {
    await footfall.addSite(SITE);
    assert.equal((await beacon(footfall, VIEW)).status, 204);
    await footfall.settle();
    let before = '';
    await until('stillness', async () => {
      const last = before;
      await pause(TOLD_MS);
      before = await photograph(footfall);
      return before === last && !/open_connections [1-9]/.test(before);
    });
    await inParallel(Array.from({ length: 600 }, (_, at) => at), 8, async (at) => {
      const headers = { ...REFUSALS[at % REFUSALS.length], 'x-forwarded-for': `198.51.100.${at % 250}` };
      if (at % 5 === 0) headers['user-agent'] = `curl/${at}`;
      if (at % 10 === 9) assert.equal((await pixel(footfall, headers)).status, 200);
      else assert.equal((await beacon(footfall, BODIES[at % BODIES.length], headers)).status, 204);
    });
    await pause(2 * TOLD_MS);
    assert.deepEqual((await photograph(footfall)).split('\n'), before.split('\n'));

    // And one that is not a refusal does.
    await beacon(footfall, `s=${SITE}`);
    await until('a change', async () => (await photograph(footfall)) !== before);
  } finally {
    await footfall.stop();
  }
});

test('it is told on no listener that others reach', async () => {
  const footfall = await Footfall.start(UNHURRIED);
  try {
    assert.equal((await http(footfall.collector, { path: '/metrics' })).status, 404);
    const page = await http(footfall.dashboards, { path: '/metrics' });
    assert.doesNotMatch(page.body.toString(), /footfall_dashboards_/);
    for (const port of [footfall.collector, footfall.dashboards])
      assert.doesNotMatch((await http(port, { path: '/readyz' })).body.toString(), /checks/);
  } finally {
    await footfall.stop();
  }
});

test('checks say what is wrong while Redis hangs, and that it is over', async () => {
  const footfall = await Footfall.start(UNHURRIED);
  const server = footfall.children()['redis-server'];
  const ready = async (role) => JSON.parse((await ask(footfall, role, '/readyz')).body);
  const check = async (role, name) => (await ready(role)).checks.find((each) => each.name === name);
  try {
    await footfall.addSite(SITE);
    await until('all to be ready', async () => (await Promise.all(ROLES.map(ready))).every((each) => each.status === 'ready'));
    for (const role of ROLES) assert.equal((await ask(footfall, role, '/healthz')).status, 200);
    await footfall.settle(); // what was refused while the site became known leaves by its age, from each worker
    process.kill(server, 'SIGSTOP');
    assert.equal((await beacon(footfall, VIEW)).status, 204);
    await until('the collector to say so', async () => !(await check('collect', 'log')).ok, 20_000);
    const log = await check('collect', 'log');
    assert.match(log.detail, /they go to the spool/);
    assert.ok(Math.abs(Date.now() - Date.parse(log.since)) < 15_000, log.since);
    assert.ok((await check('collect', 'durable')).ok);
    assert.equal((await ask(footfall, 'collect', '/readyz')).status, 200);
    await until('the batch to be told', async () => (await scrape(footfall, 'collect')).footfall_collector_spooled_batches === 1);
    await until('the aggregator to say so', async () => !(await check('aggregate', 'redis')).ok, 20_000);
    assert.equal((await ask(footfall, 'collect', '/healthz')).status, 200);
    process.kill(server, 'SIGCONT');
    await until('all to be ready again', async () => (await Promise.all(ROLES.map(ready))).every((each) => each.status === 'ready'), 20_000);
    await until('the view', async () => (await footfall.totals(SITE)).pageviews === 1);
    const told = await scrape(footfall, 'collect');
    assert.equal(told[beacons('answer="204",outcome="durable"')], 1);
    assert.equal(told.footfall_collector_batches_replayed_total + told.footfall_collector_batches_acknowledged_total > 0, true);
    await until('the spool to be empty', async () => (await scrape(footfall, 'collect')).footfall_collector_spooled_batches === 0);
  } finally {
    process.kill(server, 'SIGCONT');
    await footfall.stop();
  }
});
