// Other tools' clients count at a whole Footfall: requests as each of them sends them are answered as
// their servers answer, and the counts are exact; who refused changes nothing; what a request says of
// addresses, User-Agents and times is not believed. @umami/node is the real one; Plausible's are in
// browser/compatible.mjs, Umami's and GoatCounter's scripts are in no registry.
//   node compatible.mjs   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BROWSER, Footfall, becomes, http, inParallel, pause, until } from './harness.mjs';

const { Umami } = createRequire(import.meta.url)('@umami/node');
const UUID = '94db1cb1-74f4-4a40-ad6c-962362670409';
const CRAWLER = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const STILL_MS = 2500; // longer than views are mixed, and than live messages are repeated
const GIF_BYTES = 43;
const UMAMI_OK = {
  cache: '',
  sessionId: '00000000-0000-0000-0000-000000000000',
  visitId: '00000000-0000-0000-0000-000000000000',
};

let footfall;
let visitors = 0;
before(async () => {
  footfall = await Footfall.start();
});
after(async () => {
  assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
});

// --- Requests as the clients send them ------------------------------------------------------------------

/** Somebody new: an address of their own. */
const somebody = () => ({ 'x-forwarded-for': `203.0.${(visitors >> 8) & 255}.${visitors++ & 255}` });

/** Answers have CORS, whatever they are: a page may always read them. */
async function send(options) {
  const reply = await http(footfall.collector, {
    ...options,
    headers: { 'user-agent': BROWSER, connection: 'close', ...options.headers },
  });
  assert.equal(reply.headers['access-control-allow-origin'], '*');
  return { ...reply, text: reply.body.toString('latin1') };
}

function plausible(body, headers = somebody()) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return send({ method: 'POST', path: '/api/event', headers: { 'content-type': 'text/plain', ...headers }, body: text });
}

function umami(payload, { type = 'event', ...headers } = somebody()) {
  const body = JSON.stringify({ type, payload });
  return send({ method: 'POST', path: '/api/send', headers: { 'content-type': 'application/json', ...headers }, body });
}

/** As sendBeacon does, or as the picture that is its fallback. */
function goatcounter(fields, headers = somebody(), method = 'POST') {
  return send({ method, path: `/count?${new URLSearchParams(fields)}`, headers });
}

/** Views are events as well. Visitors are told by themselves: two may fall into one register. */
const METRICS = ['visits', 'pageviews', 'events', 'bounce_rate'];

async function settled(site, { visitors: wanted, ...expected }) {
  await becomes(site, () => footfall.totals(site, METRICS), expected);
  await footfall.settle();
  const { visitors: told, ...others } = await footfall.totals(site, ['visitors', ...METRICS]);
  assert.deepEqual(others, expected);
  assert.ok(told === wanted || told === wanted - 1, `${told} of ${wanted} visitors`);
}
const totals = (site) => footfall.totals(site, METRICS);

// --- Plausible --------------------------------------------------------------------------------------------

test('Plausible', async () => {
  const site = 'plausible.example';
  const gather = 'gather.example';
  await footfall.addSite(site);
  await footfall.addSite('part.gather.example');
  await footfall.addSite(gather, { aliases: ['*.gather.example'] });
  const u = `https://${site}/`;
  const ok = async (body, headers) => {
    const reply = await plausible(body, headers);
    assert.deepEqual([reply.status, reply.text], [202, 'ok'], JSON.stringify(body));
    assert.match(reply.headers['content-type'], /^text\/plain/);
    assert.equal(reply.headers['x-plausible-dropped'], undefined);
  };
  const dropped = async (body, headers, reason, count = '1') => {
    const reply = await plausible(body, { ...somebody(), ...headers });
    assert.deepEqual([reply.status, reply.text], [202, 'ok']);
    assert.equal(reply.headers['x-plausible-dropped'], count);
    assert.equal(reply.headers['x-footfall-dropped'], reason);
  };

  // One reads two pages for a while, one follows a campaign, one lets a film start, one buys.
  const reader = somebody();
  await ok({ n: 'pageview', v: 36, u: `${u}?secret=1`, d: site, r: 'https://www.google.com/search?q=me' }, reader);
  await ok({ n: 'engagement', v: 36, u, d: site, sd: 40, e: 4000 }, reader);
  await ok({ n: 'engagement', v: 36, u, d: site, sd: 70, e: '3000' }, reader);
  await ok({ n: 'pageview', v: 36, u: `${u}about`, d: site, r: u }, reader);
  await ok({ n: 'pageview', u: `${u}?utm_source=letter&utm_medium=email`, d: `www.${site}`, r: null, w: 400, h: 0 }, somebody());
  const watcher = somebody();
  await ok({ n: 'pageview', u: `${u}#/film?x=1`, d: site, r: null, h: 1 }, watcher);
  await ok({ n: 'Autoplay', u: `${u}#/film`, d: site, h: 1, i: false }, watcher);
  const buyer = somebody();
  await ok({ name: 'pageview', url: u, domain: site, referrer: 'android-app://x' }, buyer);
  await ok({ n: 'Buy', u, d: site, p: '{"plan":"pro","seats":5}', $: { currency: 'EUR', amount: '9.95' } }, buyer);
  await ok({ n: 'Outbound Link: Click', u, d: site, p: { url: 'https://other.example/a/?token=1#f', list: [1] } }, buyer);
  // Nothing that names a visitor is believed: it is the buyer again.
  const claims = { 'x-plausible-ip': '192.0.2.7', 'cf-connecting-ip': '192.0.2.8', 'b-forwarded-for': '192.0.2.9', 'x-debug-request': 'true' };
  await ok({ n: 'pageview', u: `${u}thanks`, d: site }, { ...buyer, ...claims, forwarded: 'for=192.0.2.1' });

  await dropped({ n: 'pageview', u, d: site }, { 'user-agent': CRAWLER }, 'bot');
  await dropped({ n: 'pageview', u, d: site }, { purpose: 'prefetch' }, 'prefetch');
  await dropped({ n: 'pageview', u, d: site }, { origin: 'https://elsewhere.example' }, 'foreign_origin');
  await dropped({ n: 'pageview', u: 'https://nobody.example/', d: 'nobody.example' }, {}, undefined);
  // A list: the gathering site owns the part's host, and no other.
  await ok({ n: 'pageview', u: 'https://part.gather.example/x', d: `part.gather.example,${gather},www.${gather}` });
  await dropped({ n: 'pageview', u: 'https://part.gather.example/x', d: `part.gather.example,${site},nobody.example` }, {}, 'foreign_origin', '2');

  await settled(site, { visitors: 4, visits: 4, pageviews: 6, events: 9, bounce_rate: 50 });
  assert.deepEqual(await footfall.by(site, 'event:page', 'pageviews'), { '/': 3, '/#/film': 1, '/about': 1, '/thanks': 1 });
  assert.deepEqual(await footfall.by(site, 'visit:source', 'visits'), { 'Direct / None': 2, Google: 1, letter: 1 });
  assert.deepEqual(await footfall.by(site, 'event:goal', 'events'), { Autoplay: 1, Buy: 1, 'Outbound Link: Click': 1 });
  assert.deepEqual(await footfall.by(site, 'event:props:url', 'events'), { 'https://other.example/a': 1 });
  assert.deepEqual(await footfall.by(site, 'event:props:seats', 'events'), { 5: 1 });
  const stored = await footfall.stored(site, 'total');
  const sums = Object.values(stored);
  assert.ok(sums.includes(7) && sums.includes(70), `7 s and 70 % are in ${JSON.stringify(stored)}`);
  await until('the drops', async () => {
    const drops = await footfall.stored(site, 'drops');
    return drops.cbot === 1 && drops.cforeign_origin === 2;
  });
  assert.equal((await totals(gather)).pageviews, 1);
  assert.equal((await totals('part.gather.example')).pageviews, 2);

  for (const [field, body] of [
    ['request', 'n=pageview'],
    ['request', '['.repeat(8000)],
    ['request', `{"n":"pageview","n":"pageview","u":"${u}"}`],
    ['request', `{"n":"pageview","u":"${u}","x":"\\u0000"}`],
    ['request', `{"n":"pageview","u":"${u}","x":1e999}`],
    ['event_name', { u, d: site }],
    ['url', { n: 'pageview', d: site }],
    ['url', { n: 'pageview', u: 'data:text/html,x', d: site }],
    ['domain', { n: 'pageview', u, d: ' ' }],
    ['props', { n: 'e', u, d: site, p: [1] }],
    ['engagement_time', { n: 'engagement', u, d: site }],
  ]) {
    const reply = await plausible(body);
    assert.equal(reply.status, 400, JSON.stringify(body));
    assert.deepEqual(Object.keys(JSON.parse(reply.text).errors), [field]);
  }
  assert.equal((await plausible(JSON.stringify({ n: 'pageview', u, d: site }).padEnd(8193))).status, 413);
});

// --- Umami --------------------------------------------------------------------------------------------------

test('Umami', async () => {
  const site = 'umami.example';
  await footfall.addSite(site);
  const page = { website: UUID, hostname: site, screen: '1920x1080', language: 'nl-NL', title: 'Title', referrer: '' };
  const ok = async (payload, headers) => {
    const reply = await umami(payload, headers);
    assert.equal(reply.status, 200, reply.text);
    assert.match(reply.headers['content-type'], /^application\/json/);
    assert.deepEqual(JSON.parse(reply.text), UMAMI_OK);
  };
  const beep = async (payload, headers, reason) => {
    const reply = await umami(payload, { ...somebody(), ...headers });
    assert.deepEqual([reply.status, JSON.parse(reply.text)], [200, { beep: 'boop' }]);
    assert.equal(reply.headers['x-footfall-dropped'], reason);
  };
  const preflight = await send({ method: 'OPTIONS', path: '/api/send', headers: { origin: `https://${site}` } });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers['access-control-allow-headers'], /content-type.*x-umami-cache/);

  // One reads two pages and signs up; their client sends the answer's cache back.
  const reader = { ...somebody(), origin: `https://${site}`, 'x-umami-cache': '' };
  await ok({ ...page, url: '/?utm_source=letter&secret=1', referrer: 'https://www.google.com/' }, reader);
  await ok({ ...page, url: `https://${site}/about#team`, referrer: '/' }, reader);
  await ok({ ...page, url: '/about', name: 'signup', data: { plan: 'pro', nested: { a: 1 } } }, reader);
  await ok({ ...page, id: 'bob', data: { plan: 'pro' } }, { ...reader, type: 'identify' });
  await ok({ ...page, url: '/about', lcp: 1200, cls: 0.1 }, { ...reader, type: 'performance' });
  // Nothing that names a visitor or a time is believed: it is the same reader, now.
  await ok({ ...page, url: '/again', ip: '192.0.2.7', userAgent: CRAWLER, browser: 'x', os: 'x', device: 'x', timestamp: 1 }, reader);
  // A website by its name.
  await ok({ ...page, website: site, url: '/' }, somebody());

  await beep({ ...page, url: '/' }, { 'user-agent': CRAWLER }, 'bot');
  await beep({ ...page, url: '/' }, { origin: 'https://elsewhere.example' }, 'foreign_origin');
  const bad = async (payload, headers) => {
    const reply = await umami(payload, { ...somebody(), ...headers });
    assert.equal(reply.status, 400, JSON.stringify(payload));
    const { message, ...rest } = JSON.parse(reply.text).error;
    assert.match(message, /^[A-Z].{10,}\.$/);
    assert.deepEqual(rest, { code: 'bad-request', status: 400 });
  };
  await bad({ ...page, hostname: 'nobody.example', url: '/' });
  await bad({ ...page, url: '/' }, { type: 'other' });
  await bad({ ...page, link: UUID, url: '/' });
  await bad({ hostname: site, url: '/' });
  assert.equal((await umami({ ...page, url: '/', data: { x: 'x'.repeat(9000) } })).status, 413);

  // The real client of servers, whose own User-Agent is no browser's to anybody.
  const client = new Umami({ websiteId: site, hostUrl: `http://127.0.0.1:${footfall.collector}`, userAgent: BROWSER });
  const answers = [await client.track({ url: '/served', hostname: site }), await client.track('job', { kind: 'nightly' }), await client.identify({ a: 1 })];
  for (const answer of answers) assert.deepEqual([answer.status, await answer.json()], [200, UMAMI_OK]);

  await settled(site, { visitors: 3, visits: 3, pageviews: 5, events: 7, bounce_rate: 33 });
  assert.deepEqual(await footfall.by(site, 'event:page', 'pageviews'), { '/': 2, '/about': 1, '/again': 1, '/served': 1, '(unknown)': 0 });
  assert.deepEqual(await footfall.by(site, 'event:goal', 'events'), { signup: 1, job: 1 });
  assert.deepEqual(await footfall.by(site, 'event:props:plan', 'events'), { pro: 1 });
});

// --- GoatCounter --------------------------------------------------------------------------------------------

test('GoatCounter', async () => {
  const site = 'goat.example';
  const host = 'stats.goat.example';
  const other = 'other-goat.example';
  await footfall.addSite(site, { aliases: [host] });
  await footfall.addSite(other);
  const ok = async (fields, headers, method) => {
    const reply = await goatcounter(fields, { host, ...headers }, method);
    assert.deepEqual([reply.status, reply.body.length], [200, GIF_BYTES], JSON.stringify(fields));
    assert.equal(reply.headers['content-type'], 'image/gif');
    assert.equal(reply.headers['cross-origin-resource-policy'], 'cross-origin');
    assert.equal(reply.headers['cache-control'], 'no-store');
    return reply;
  };
  const view = { t: 'Title', e: 'false', s: '1920,1080,2', b: '0', rnd: 'x7z' };
  const reader = { ...somebody(), origin: `https://${site}` };
  await ok({ ...view, p: '/?id=5', r: 'https://www.google.com/', q: '?id=5' }, reader);
  await ok({ ...view, p: '/about/', r: '' }, reader);
  await ok({ ...view, p: 'signup', e: 'true' }, reader);
  await ok({ ...view, p: '/', q: '?campaign=spring&src=hn' }, { ...somebody(), referer: `https://${site}/` }, 'GET');
  await ok({ ...view, p: '/' }, { ...somebody(), host: site });
  // The page's host goes before the host that is sent to, which may be nobody's.
  await ok({ ...view, p: '/there' }, { ...somebody(), origin: `https://${other}` });
  await ok({ ...view, p: '/there' }, { ...somebody(), host: `STATS.elsewhere.example:8080`, referer: `https://www.${other}/` }, 'GET');

  const dropped = async (fields, headers, reason) =>
    assert.equal((await ok({ ...view, p: '/', ...fields }, { ...somebody(), ...headers })).headers['x-footfall-dropped'], reason);
  await dropped({}, { 'user-agent': CRAWLER }, 'bot');
  await dropped({ b: '153' }, {}, 'bot');
  await dropped({}, { 'sec-purpose': 'prefetch' }, 'prefetch');
  await dropped({}, { origin: 'https://elsewhere.example' }, 'foreign_origin');
  await dropped({}, { origin: 'null' }, 'foreign_origin');
  const bad = async (status, fields, headers = {}) => {
    const reply = await goatcounter(fields, { host, ...somebody(), ...headers });
    assert.equal(reply.status, status, JSON.stringify(fields));
    assert.equal(reply.headers['x-goatcounter'], JSON.parse(reply.text).error);
  };
  await bad(400, { ...view });
  await bad(400, { ...view, p: '/', b: '7' });
  await bad(400, { ...view, p: '/', q: `?x=${'x'.repeat(9000)}` });
  await bad(404, { ...view, p: '/' }, { host: 'nobody.example' });
  // HEAD has the picture's headers and counts nothing.
  const head = await send({ method: 'HEAD', path: '/count?p=/', headers: { host } });
  assert.deepEqual([head.status, head.body.length], [200, 0]);

  await settled(site, { visitors: 3, visits: 3, pageviews: 4, events: 5, bounce_rate: 67 });
  assert.deepEqual(await footfall.by(site, 'event:page', 'pageviews'), { '/': 3, '/about': 1, '(unknown)': 0 });
  assert.deepEqual(await footfall.by(site, 'event:goal', 'events'), { signup: 1 });
  assert.deepEqual(await footfall.by(site, 'visit:utm_campaign', 'visits'), { '(not set)': 2, spring: 1 });
  assert.equal((await totals(other)).pageviews, 2);
});

// --- All of them ---------------------------------------------------------------------------------------------

test('what is not there', async () => {
  for (const path of ['/api/batch', '/api/record', '/api/v0/count', '/api', '/api/', '/api/event/', '/count/', '/Count'])
    for (const method of ['GET', 'POST']) assert.equal((await http(footfall.collector, { method, path, body: method === 'POST' ? '{}' : null })).status, 404, path);
  for (const path of ['/api/event', '/api/send']) assert.equal((await http(footfall.collector, { path })).status, 405);
  assert.equal((await http(footfall.collector, { method: 'PUT', path: '/count?p=/' })).status, 405);
});

/** What the collector tells of beacons and visits. */
function scrape() {
  return new Promise((resolve, reject) => {
    const options = { socketPath: join(footfall.data, 'run', 'collect'), path: '/metrics', headers: { connection: 'close' } };
    const req = request(options, (res) => {
      let body = '';
      res.setEncoding('utf8').on('data', (chunk) => (body += chunk));
      res.on('end', () => resolve(body.split('\n').filter((line) => /^footfall_collector_(malformed|compatible|beacons|drops|open_visits)/.test(line))));
    });
    req.on('error', reject).end();
  });
}

const REFUSALS = [{ 'sec-gpc': '1' }, { dnt: '1' }, { cookie: 'footfall_optout=1' }, { cookie: 'x'.repeat(5000) }];

test('a refusal moves nothing and gets the answer of what is counted', async () => {
  const site = 'refused.example';
  await footfall.addSite(site, { aliases: ['stats.refused.example'] });
  const u = `https://${site}/`;
  const page = { website: UUID, hostname: site, url: '/' };
  const host = 'stats.refused.example';
  const GOOD = [
    (headers) => plausible({ n: 'pageview', u, d: site }, headers),
    (headers) => umami(page, headers),
    (headers) => goatcounter({ p: '/' }, { host, ...headers }),
    (headers) => goatcounter({ p: '/' }, { host, ...headers }, 'GET'),
  ];
  // What is wrong or dropped is told to nobody who refused.
  const OTHERS = [
    [0, (headers) => plausible('{', headers)],
    [0, (headers) => plausible('x'.repeat(9000), headers)],
    [0, (headers) => plausible({ n: 'pageview', u, d: 'nobody.example' }, headers)],
    [0, (headers) => plausible({ n: 'engagement', u, d: site, sd: 50, e: 4000 }, headers)],
    [0, (headers) => plausible({ n: 'pageview', u, d: site }, { ...headers, 'user-agent': CRAWLER })],
    [1, (headers) => umami({ ...page, name: 'signup' }, headers)],
    [1, (headers) => umami({ ...page, hostname: 'nobody.example' }, headers)],
    [1, (headers) => umami({ ...page, data: { x: 'x'.repeat(9000) } }, headers)],
    [2, (headers) => goatcounter({ p: '/', b: '7' }, { host, ...headers })],
    [2, (headers) => goatcounter({ p: '/' }, { host: 'nobody.example', ...headers })],
  ];
  const bytes = ({ status, headers, text }) => {
    const { date, ...rest } = headers;
    return createHash('sha256').update(JSON.stringify([status, rest, text])).digest('hex');
  };
  const counted = [];
  for (const ask of GOOD) counted.push(bytes(await ask(somebody())));
  await settled(site, { visitors: 4, visits: 4, pageviews: 4, events: 4, bounce_rate: 100 });
  await pause(STILL_MS);
  await footfall.settle();
  const before = await footfall.photograph();
  const told = await scrape();
  await inParallel(Array.from({ length: 400 }, (_, at) => at), 8, async (at) => {
    const headers = { ...somebody(), ...REFUSALS[at % REFUSALS.length] };
    const kind = Math.floor(at / REFUSALS.length) % (GOOD.length + OTHERS.length);
    const [like, ask] = kind < GOOD.length ? [kind, GOOD[kind]] : OTHERS[kind - GOOD.length];
    assert.equal(bytes(await ask(headers)), counted[like], `${kind}`);
  });
  await pause(STILL_MS);
  await footfall.settle();
  assert.deepEqual(await footfall.photograph(), before);
  assert.deepEqual(await scrape(), told);
  // And what was looked at does change with a view.
  await GOOD[1](somebody());
  await until('another photograph', async () => JSON.stringify(await footfall.photograph()) !== JSON.stringify(before));
  await until('another scrape', async () => JSON.stringify(await scrape()) !== JSON.stringify(told));
});
