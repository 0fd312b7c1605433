// What wrong requests get from a whole Footfall: the answers of the documents, in one JSON sentence;
// nothing counted but the reason; and afterwards the same processes as before.
//   node bad_input.mjs   with FOOTFALL set to the executable; SEED repeats a run of random bytes

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BROWSER, Footfall, UNHURRIED, http, inParallel, raw, until } from './harness.mjs';
import { randomFrom } from './logs.mjs';

const SITE = 'bad.example';
const CANARY = 'canary-7f3a9c'; // in everything that is sent: must not be found at rest
const PAGE = `http://${SITE}/${CANARY}`;
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const SILENCE_MS = 3000; // most end with the connection
const NOISE_SILENCE_MS = 300;

let footfall;
let children;
before(async () => {
  // As in production: a front's connection is closed after a body, lest a second request hides in it.
  footfall = await Footfall.start({ ...UNHURRIED, FOOTFALL_HTTP_CLOSE_AFTER_BODY: 'auto' });
  await footfall.addSite(SITE);
  children = footfall.children();
});
after(async () => {
  assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
});

/** The answer to one request as bytes: {status, head, body, count of answers}. */
function parseReplies(text) {
  const [head, ...rest] = text.split('\r\n\r\n');
  const status = Number(head.match(/^HTTP\/1\.[01] (\d{3})/)?.[1] ?? 0);
  return { status, head: head.toLowerCase(), body: rest.join('\r\n\r\n'), count: text.split(/HTTP\/1\.[01] \d{3}/).length - 1 };
}

function isSentence(body, what) {
  const { error, ...others } = JSON.parse(body);
  assert.equal(typeof error, 'string', what);
  assert.match(error, /^[\x20-\x7e]{10,200}$/, what);
  assert.deepEqual(others, {}, what);
  assert.ok(!body.includes(CANARY), `${what}: the answer repeats what was sent`);
}

const form = (fields) => new URLSearchParams({ s: SITE, u: PAGE, ...fields }).toString();
const bytes = (text) => Buffer.from(text, 'latin1');
const json = { 'content-type': 'application/json' };

// --- Bodies and fields -------------------------------------------------------------------------------

/** [what, body, status, headers] */
const BODIES = [
  ['no body', '', 400],
  ['no URL', `s=${SITE}`, 400],
  ['an empty URL', form({ u: '' }), 400],
  ['JSON', JSON.stringify({ s: SITE, u: PAGE }), 400, json],
  ['a relative URL', form({ u: `/${CANARY}` }), 400],
  ['another scheme', form({ u: `ftp://${SITE}/` }), 400],
  ['a script for a URL', form({ u: 'javascript:alert(1)' }), 400],
  ['data for a URL', form({ u: 'data:text/html,x' }), 400],
  ['no host', form({ u: 'http:///x' }), 400],
  ['a backslash in the host', form({ u: `http://${SITE}\\@evil.example/` }), 400],
  ['a port that is none', form({ u: `http://${SITE}:port/` }), 400],
  ['a long URL', form({ u: `${PAGE}/${'a'.repeat(4097)}` }), 400],
  ['a URL of 10 KiB', form({ u: `${PAGE}/${'a'.repeat(10_240)}` }), 413],
  ['8 KiB without a URL', `s=${SITE}&x=${'a'.repeat(8192 - SITE.length - 5)}`, 400],
  ['a byte more than 8 KiB', `s=${SITE}&x=${'a'.repeat(8193 - SITE.length - 5)}`, 413],
  ['a megabyte', 'x'.repeat(1024 * 1024), 413],
  ['a NUL in the body', bytes(`s=${SITE}&u=${PAGE}/\0`), 400],
  ['a NUL in percents', `s=${SITE}&u=${PAGE}/%00`, 400],
  ['a NUL in percents, twice', `s=${SITE}&u=${PAGE}/%2500`, 400],
  ['a line break in the path', `s=${SITE}&u=${PAGE}/%250d%250a`, 400],
  ['invalid UTF-8', bytes(`s=${SITE}&u=${PAGE}/\xff\xfe`), 400],
  ['invalid UTF-8 in percents', `s=${SITE}&u=${PAGE}/%ff%fe`, 400],
  ['invalid UTF-8 in percents, twice', `s=${SITE}&u=${PAGE}/%25ff`, 400],
  ['overlong UTF-8', `s=${SITE}&u=${PAGE}/%25c0%25af`, 400],
  ['a surrogate', `s=${SITE}&u=${PAGE}/%25ed%25a0%2580`, 400],
  ['percent and no digits', `s=${SITE}&u=${PAGE}/%zz`, 400],
  ['percent at the end', `s=${SITE}&u=${PAGE}/%`, 400],
  ['half a percent', `s=${SITE}&u=${PAGE}/%4`, 400],
  ['percent garbage, twice', `s=${SITE}&u=${PAGE}/%25zz`, 400],
  ['invalid UTF-8 in the referrer', `${form()}&r=%ff`, 400],
  ['invalid UTF-8 in a tag', form({ u: `${PAGE}?utm_source=%ff` }), 400],
  ['a field twice', `${form()}&u=${encodeURIComponent(PAGE)}`, 400],
  ['the site twice', `${form()}&s=${SITE}`, 400],
  ['an empty site', form({ s: '' }), 400],
  ['a site with a slash', form({ s: `${SITE}/x` }), 400],
  ['a long site', form({ s: 'a'.repeat(300) }), 400],
  ['an unknown site', form({ s: `${CANARY}.example` }), 404],
  ['an unknown site of the URL', `u=http://${CANARY}.example/`, 404],
  ['a site that would be a key', form({ s: 'ff:{0}:log' }), 404],
  ['an empty name', form({ n: '' }), 400],
  ['a long name', form({ n: 'n'.repeat(121) }), 400],
  ['a control character in a name', form({ n: 'a\x1fb' }), 400],
  ['properties that are not JSON', form({ n: 'e', p: '{' }), 400],
  ['properties that are a list', form({ n: 'e', p: '[1]' }), 400],
  ['properties that are deep', form({ n: 'e', p: '['.repeat(2500) }), 400],
  ['a property with a long key', form({ n: 'e', p: JSON.stringify({ ['k'.repeat(121)]: 1 }) }), 400],
  ['a property with a long value', form({ n: 'e', p: JSON.stringify({ k: 'v'.repeat(121) }) }), 400],
  ['a property with a NUL', form({ n: 'e', p: '{"k":"\\u0000"}' }), 400],
  ['a property with a separator', form({ n: 'e', p: '{"k":"a\\u001fb"}' }), 400],
  ['a width in words', form({ w: 'wide' }), 400],
  ['a negative time', form({ n: 'engagement', t: '-1' }), 400],
  ['a depth in hexadecimal', form({ n: 'engagement', d: '0x10' }), 400],
  ['a report of nothing', form({ n: 'engagement' }), 400],
  ['a packed body', form(), 400, { 'content-encoding': 'gzip' }, Buffer.from('1f8b0800000000000003', 'hex')],
];

test('bodies and fields', async () => {
  for (const [what, body, status, headers = {}, instead = body] of BODIES) {
    // Past twice the cap the library answers before it has read all, and a client may see but the end.
    const isCut = instead.length > 16 * 1024;
    const reply = await (isCut ? until(what, () => footfall.post(instead, headers).catch(() => null)) : footfall.post(instead, headers));
    assert.equal(reply.status, status, what);
    if (isCut) continue;
    assert.equal(reply.headers['content-type'], 'application/json', what);
    isSentence(reply.body.toString(), what);
  }
});

// --- Methods and paths ---------------------------------------------------------------------------------

const METHODS = [
  ['GET', '/b', 405, 'OPTIONS, POST'],
  ['HEAD', '/b', 405, 'OPTIONS, POST'],
  ['PUT', '/b', 405, 'OPTIONS, POST'],
  ['DELETE', '/b', 405, 'OPTIONS, POST'],
  ['PATCH', '/b', 405, 'OPTIONS, POST'],
  ['TRACE', '/b', 405, 'OPTIONS, POST'],
  ['BREW', '/b', 405, 'OPTIONS, POST'],
  ['post', '/b', 405, 'OPTIONS, POST'],
  ['POST', '/b.gif', 405, 'GET, HEAD'],
  ['POST', '/footfall.js', 405, 'GET, HEAD'],
  ['POST', '/healthz', 405, 'GET, HEAD'],
  ['PUT', '/opt-out', 405, 'GET, HEAD, OPTIONS, POST'],
  ['POST', '/', 404],
  ['POST', '/B', 404],
  ['POST', '/b/', 404],
  ['POST', '//b', 404],
  ['POST', '/b/../b', 404],
  ['POST', '/%62', 404],
  ['POST', '/b%00', 404],
  ['POST', '/b\xff', 404],
  ['POST', `/${CANARY}`, 404],
  ['GET', `/footfall.js/${CANARY}`, 404],
  ['GET', '/demo/../../etc/passwd', 404],
  ['GET', '/demo/%2e%2e/%2e%2e/etc/passwd', 404],
  ['GET', `/${'a'.repeat(10_240)}`, 404],
  ['GET', '/b.gif', 400],
  ['GET', `/b.gif?s=${SITE}`, 400],
  ['GET', `/b.gif?s=${SITE}&p=/%ff`, 400],
  ['GET', `/b.gif?s=${SITE}&p=/%00`, 400],
  ['GET', `/b.gif?s=${SITE}&p=/${'a'.repeat(5000)}`, 400],
  ['GET', `/b.gif?s=${SITE}&p=/${'a'.repeat(10_240)}`, 400],
  ['GET', `/b.gif?s=${CANARY}.example&p=/`, 404],
];

const request = (line, headers = '', body = '') =>
  bytes(`${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: ${BROWSER}\r\n${headers}Connection: close\r\n\r\n${body}`);

test('methods and paths', async () => {
  for (const [method, path, status, allow] of METHODS) {
    const what = `${method} ${path.slice(0, 40)}`;
    const body = method === 'GET' || method === 'HEAD' ? '' : form();
    const length = body && `Content-Length: ${body.length}\r\n`;
    const reply = parseReplies(await raw(footfall.collector, request(`${method} ${path}`, length, body), 2000));
    assert.equal(reply.status, status, what);
    if (allow) assert.ok(reply.head.includes(`\r\nallow: ${allow.toLowerCase()}`), what);
    if (method !== 'HEAD') isSentence(reply.body, what);
  }
});

// --- Heads -----------------------------------------------------------------------------------------------

const length = (body) => `Content-Length: ${body.length}\r\n`;
const good = form();
const chunked = (body) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const HEAD = `User-Agent: ${BROWSER}\r\n`;
const whole = (headers) => `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}${headers}${length(good)}\r\n${good}`;
const hidden = whole('');

/** [what, bytes, statuses]; 0 is a connection that was closed without a word. */
const HEADS = [
  ['nothing of HTTP', `${CANARY}\r\n\r\n`, [400, 0]],
  ['an old version', 'GET /b\r\n\r\n', [400, 0]],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 404, 405, 0]],
  ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), [400, 0]],
  ['a NUL in the path', `POST /b\0 HTTP/1.1\r\nHost: x\r\n${HEAD}${length(good)}\r\n${good}`, [400, 404, 0]],
  ['a NUL in a header', `POST /b HTTP/1.1\r\nHost: x\r\nX: \0\r\n${HEAD}${length(good)}\r\n${good}`, [400, 0]],
  ['no colon', `POST /b HTTP/1.1\r\nHost: x\r\n${CANARY}\r\n${length(good)}\r\n${good}`, [400, 0]],
  ['a space before the colon', `POST /b HTTP/1.1\r\nHost : x\r\n${length(good)}\r\n${good}`, [400, 0]],
  ['101 headers', `POST /b HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(101)}${length(good)}\r\n${good}`, [400, 0]],
  ['a megabyte of headers', `POST /b HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(1024 * 1024)}\r\n\r\n`, [400, 0]],
  ['a negative length', `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}Content-Length: -1\r\n\r\n${good}`, [400, 0]],
  ['a length in words', `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}Content-Length: many\r\n\r\n${good}`, [400, 0]],
  ['a length past all numbers', `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}Content-Length: 99999999999999999999\r\n\r\n`, [400, 413, 0]],
  ['a length and no body', `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}Content-Length: 100\r\n\r\n`, [0]],
  ['a great length', `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}Content-Length: 100000000\r\n\r\n`, [413, 0]],
  ['a chunk that is no number', `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, [400, 0]],
  ['a great chunk', `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunked('x'.repeat(20_000))}`, [413, 400, 0]],
  ['a refusal in a folded line', whole('Cookie: a=b;\r\n footfall_optout=1\r\n'), [400]],
  ['a length, chunks, and a request behind', `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}${length(good)}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`, [400]],
  ['two lengths, and a request behind', `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}Content-Length: 0\r\n${length(good)}\r\n${hidden}`, [400]],
  ['another address', `POST http://elsewhere.example/b HTTP/1.1\r\nHost: x\r\n${HEAD}${length(good)}\r\n${good}`, [404]],
  ['a star', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n', [404]],
  ['a tunnel', 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n', [404]],
  ['chunks and another coding', `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n${chunked(good)}`, [400]],
  ['an unknown coding', `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}Transfer-Encoding: gzip\r\n\r\n${good}`, [400, 501, 0]],
];

test('heads', async () => {
  for (const [what, sent, statuses] of HEADS) {
    const reply = parseReplies(await raw(footfall.collector, Buffer.isBuffer(sent) ? sent : bytes(sent), SILENCE_MS));
    assert.ok(statuses.includes(reply.status), `${what}: ${reply.status}`);
    assert.ok(reply.count <= 1, `${what}: ${reply.count} answers`);
    assert.ok(!reply.body.includes(CANARY), what);
  }
});

// --- Dropped, with a reason ------------------------------------------------------------------------------

const BOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const DROPS = [
  ['bot', { 'user-agent': BOT }],
  ['bot', { 'user-agent': 'curl/8.0' }],
  ['bot', { 'user-agent': '' }],
  ['prefetch', { 'sec-purpose': 'prefetch;prerender' }],
  ['prefetch', { purpose: 'prefetch' }],
  ['prefetch', { 'x-moz': 'prefetch' }],
  ['foreign_origin', { origin: 'https://elsewhere.example' }],
  ['foreign_origin', { origin: 'null' }],
  ['foreign_origin', { origin: `https://${SITE}.elsewhere.example` }],
  ['foreign_origin', { referer: `https://elsewhere.example/${SITE}` }],
];

test('bots, prefetches and foreign pages are dropped, and the reason counted', async () => {
  const counted = async () => {
    await footfall.settle();
    return footfall.stored(SITE, 'drops');
  };
  const first = await counted(); // what the harness did while it waited for the site is counted too
  const expected = { ...first };
  for (const [reason, headers] of DROPS) {
    const reply = await footfall.view({ s: SITE, u: PAGE }, headers);
    assert.equal(reply.status, 202, JSON.stringify(headers));
    assert.equal(reply.headers['x-footfall-dropped'], reason, JSON.stringify(headers));
    expected[`c${reason}`] = (expected[`c${reason}`] ?? 0) + 1;
  }
  // The page's own URL is foreign too, where no header says where it is.
  const foreign = await footfall.view({ s: SITE, u: 'http://elsewhere.example/' });
  assert.equal(foreign.headers['x-footfall-dropped'], 'foreign_origin');
  expected.cforeign_origin++;
  assert.deepEqual(await counted(), expected);
});

test('a Cookie header past its size, or not readable, drops the view like a refusal', async () => {
  for (const cookie of [`a=${'x'.repeat(5000)}`, 'footfall_optout', 'a=b; footfall_optout="1"']) {
    const reply = await footfall.view({ s: SITE, u: PAGE }, { cookie });
    assert.equal(reply.status, 204);
    assert.equal(reply.headers['x-footfall-dropped'], undefined);
  }
});

// --- Random bytes ------------------------------------------------------------------------------------------

test(`random bytes, seed ${SEED}`, async () => {
  const random = randomFrom(SEED);
  const randomBytes = (most) => Buffer.from(Array.from({ length: Math.floor(random() * most) }, () => Math.floor(random() * 256)));
  const bodies = Array.from({ length: 300 }, (_, at) =>
    at % 2 === 0 ? randomBytes(2000) : Buffer.concat([bytes(`s=${SITE}&u=${PAGE}/%ff`), randomBytes(500)]),
  );
  await inParallel(bodies, 8, async (body) => {
    const reply = await footfall.post(body);
    assert.equal(reply.status, 400, body.toString('hex'));
    isSentence(reply.body.toString(), body.toString('hex'));
  });
  await inParallel(Array.from({ length: 100 }, () => randomBytes(3000)), 8, async (sent) => {
    const reply = parseReplies(await raw(footfall.collector, Buffer.concat([sent, bytes('\r\n\r\n')]), NOISE_SILENCE_MS));
    assert.ok([0, 400].includes(reply.status), `${reply.status} for ${sent.toString('hex')}`);
  });
});

test('the query API refuses in words', async () => {
  const refused = [
    ['GET', '/api/v2/query', '', 405],
    ['POST', '/api/v2/query', '', 400],
    ['POST', '/api/v2/query', '{', 400],
    ['POST', '/api/v2/query', '[]', 400],
    ['POST', '/api/v2/query', '\xff', 400],
    ['POST', '/api/v2/query', '['.repeat(10_000), 400],
    ['POST', '/api/v2/query', JSON.stringify({ site_id: SITE, metrics: ['visitors'] }), 400],
    ['POST', '/api/v2/query', JSON.stringify({ site_id: SITE, metrics: [CANARY], date_range: 'day' }), 400],
    ['POST', '/api/v2/query', JSON.stringify({ site_id: CANARY, metrics: ['visitors'], date_range: 'day' }), 404],
    ['POST', '/api/v2/query', 'x'.repeat(70_000), 413],
    ['GET', `/api/live/${CANARY}.example`, '', 404],
    ['GET', `/api/${CANARY}`, '', 404],
  ];
  for (const [method, path, body, status] of refused) {
    const reply = await http(footfall.dashboards, { method, path, body: bytes(body), headers: json });
    assert.equal(reply.status, status, `${method} ${path} ${body.slice(0, 80)}`);
    isSentence(reply.body.toString(), `${method} ${path}`);
  }
});

// --- Afterwards ----------------------------------------------------------------------------------------------

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
  });
}

test('nothing was counted, nothing died, and nothing of it is at rest', async () => {
  assert.deepEqual(footfall.children(), children);
  assert.equal(await footfall.isReady(), true);
  const { results } = await footfall.query({ site_id: SITE, metrics: ['visitors', 'visits', 'pageviews', 'events'] });
  for (const row of results) assert.deepEqual(row.metrics, [0, 0, 0, 0]);
  const stored = await footfall.stored(SITE, 'total');
  assert.deepEqual(Object.keys(stored).filter((field) => !field.startsWith('@')), []);
  for (const path of filesBelow(footfall.data)) assert.ok(!readFileSync(path).includes(CANARY), path);
});

/** Not pretty, but as clear as any: each is one view. Without them everything above could be refused. */
const ODD = [
  whole(''),
  whole('').replace('Host: x\r\n', ''),
  whole('').replace('Host: x\r\n', 'Host: x\r\nHost: y\r\n'),
  whole('').replace('/b ', '/b?x=1 '),
  whole('').replaceAll('\r\n', '\n'),
  whole('Expect: 100-continue\r\n'),
  whole('X-Forwarded-For: \xff, ,,;[::]:99999\r\n'),
  whole('').replace('Chrome', '\xff\xfe'),
  `POST /b HTTP/1.1\r\nHost: x\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunked(good)}`,
];

test('odd requests that can be read are counted once', async () => {
  for (const [at, sent] of ODD.entries()) {
    const answer = await raw(footfall.collector, bytes(sent), SILENCE_MS);
    assert.match(answer, /(^|\r\n)HTTP\/1\.1 204 /, sent);
    await until(`view ${at + 1}`, async () => (await footfall.totals(SITE)).pageviews === at + 1);
  }
  await footfall.settle();
  assert.equal((await footfall.totals(SITE)).pageviews, ODD.length);
  assert.deepEqual(footfall.children(), children);
});
