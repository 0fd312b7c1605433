// Requests that hide another one: what a front takes for one request and libh2o for two. Behind a
// trusted front each connection gets one answer and the hidden request counts nothing; and for each
// value of http.close_after_body what holds, and what does not.
//   node smuggling.mjs   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BROWSER, Footfall, UNHURRIED, inParallel, raw, until } from './harness.mjs';
import { figures } from '../fault/watch.mjs';

const SITE = 'smuggling.example';
const SILENCE_MS = 6000; // most shapes end with the connection
const BOT = 'curl/8.0';

const bytes = (text) => Buffer.from(text, 'latin1');
const view = (path) => `s=${SITE}&u=http://${SITE}${path}`;
const lengthOf = (body) => `Content-Length: ${body.length}\r\n`;
const chunk = (body) => `${body.length.toString(16)}\r\n${body}\r\n`;
const END = '0\r\n\r\n';

/** A request without its framing. */
const head = (method = 'POST', agent = BROWSER) => `${method} /b HTTP/1.1\r\nHost: x\r\nUser-Agent: ${agent}\r\n`;
const seen = view('/seen');
/** Two that would count: as a view of a page that bears the shape's name, and as a drop. */
function hiddenIn(what) {
  const body = view(`/hidden/${what.replaceAll(' ', '-')}`);
  return [`${head()}${lengthOf(body)}\r\n${body}`, `${head('POST', BOT)}${lengthOf(body)}\r\n${body}`];
}

/** [what, (hidden) => bytes]: with `hidden` where one of both sides sees a body. */
const SHAPES = [
  ['behind a body', (hidden) => `${head()}${lengthOf(seen)}\r\n${seen}${hidden}`],
  ['behind chunks', (hidden) => `${head()}Transfer-Encoding: chunked\r\n\r\n${chunk(seen)}${END}${hidden}`],
  ['a length and chunks', (hidden) => `${head()}${lengthOf(END + hidden)}Transfer-Encoding: chunked\r\n\r\n${END}${hidden}`],
  ['chunks and a length', (hidden) => `${head()}Transfer-Encoding: chunked\r\n${lengthOf(END + hidden)}\r\n${END}${hidden}`],
  ['a length and chunks that count', (hidden) => `${head()}${lengthOf(chunk(seen) + END + hidden)}Transfer-Encoding: chunked\r\n\r\n${chunk(seen)}${END}${hidden}`],
  ['a short length and chunks', (hidden) => `${head()}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(seen)}${END}${hidden}`],
  ['no length, then one', (hidden) => `${head()}Content-Length: 0\r\n${lengthOf(hidden)}\r\n${hidden}`],
  ['a length, then none', (hidden) => `${head()}${lengthOf(seen)}Content-Length: 0\r\n\r\n${seen}${hidden}`],
  ['two lengths', (hidden) => `${head()}${lengthOf(seen)}${lengthOf(seen + hidden)}\r\n${seen}${hidden}`],
  ['a list of lengths', (hidden) => `${head()}Content-Length: ${seen.length}, ${seen.length}\r\n\r\n${seen}${hidden}`],
  ['a length with a sign', (hidden) => `${head()}Content-Length: +${seen.length}\r\n\r\n${seen}${hidden}`],
  ['identity and chunked', (hidden) => `${head()}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(seen)}${END}${hidden}`],
  ['chunked and identity', (hidden) => `${head()}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n${lengthOf(hidden)}\r\n${hidden}`],
  ['identity and chunked in a list', (hidden) => `${head()}Transfer-Encoding: identity, chunked\r\n\r\n${chunk(seen)}${END}${hidden}`],
  ['a coding that is none', (hidden) => `${head()}Transfer-Encoding: xchunked\r\n${lengthOf(END)}\r\n${END}${hidden}`],
  ['a tab before chunked', (hidden) => `${head()}Transfer-Encoding:\tchunked\r\n\r\n${chunk(seen)}${END}${hidden}`],
  ['a vertical tab before chunked', (hidden) => `${head()}Transfer-Encoding: \x0bchunked\r\n\r\n${chunk(seen)}${END}${hidden}`],
  ['a folded coding', (hidden) => `${head()}Transfer-Encoding:\r\n chunked\r\n${lengthOf(END)}\r\n${END}${hidden}`],
  ['a folded length, and no body for us', (hidden) => `${head('GET')}Content-Length:\r\n ${hidden.length}\r\n\r\n${hidden}`],
  ['a length in a folded line', (hidden) => `${head('GET')}X: y\r\n Content-Length: ${hidden.length}\r\n\r\n${hidden}`],
  ['a space before the colon of a length', (hidden) => `${head()}Content-Length : ${hidden.length}\r\n\r\n${hidden}`],
  ['a space before the colon of a coding', (hidden) => `${head()}Transfer-Encoding : chunked\r\n${lengthOf(seen)}\r\n${seen}${hidden}`],
  ['bare line feeds', (hidden) => `${head()}${lengthOf(seen)}\r\n`.replaceAll('\r\n', '\n') + seen + hidden],
  ['a length behind a bare line feed', (hidden) => `${head()}X: y\n${lengthOf(seen)}\r\n${seen}${hidden}`],
  ['a bare carriage return', (hidden) => `${head()}X: y\r${lengthOf(seen + hidden)}${lengthOf(seen)}\r\n${seen}${hidden}`],
  ['a line feed in a chunk extension', (hidden) => `${head()}Transfer-Encoding: chunked\r\n\r\n${seen.length.toString(16)};\n${seen}\r\n${END}${hidden}`],
  ['chunks that end in line feeds', (hidden) => `${head()}Transfer-Encoding: chunked\r\n\r\n${seen.length.toString(16)}\n${seen}\n0\n\n${hidden}`],
  ['a chunk past all numbers', (hidden) => `${head()}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n${END}${hidden}`],
  ['a chunk in C', (hidden) => `${head()}Transfer-Encoding: chunked\r\n\r\n0x${seen.length.toString(16)}\r\n${seen}\r\n${END}${hidden}`],
  ['a trailer', (hidden) => `${head()}Transfer-Encoding: chunked\r\n\r\n${chunk(seen)}0\r\nContent-Length: 9\r\n\r\n${hidden}`],
  ['no host', (hidden) => `${head()}${lengthOf(seen)}\r\n${seen}${hidden}`.replace('Host: x\r\n', '')],
  ['two hosts', (hidden) => `${head()}Host: y\r\n${lengthOf(seen)}\r\n${seen}${hidden}`],
  ['an absolute address', (hidden) => `${head()}${lengthOf(seen)}\r\n${seen}${hidden}`.replace(' /b ', ' http://x/b ')],
  ['a body of GET', (hidden) => `${head('GET')}${lengthOf(seen)}\r\n${seen}${hidden}`],
  ['a body of HEAD', (hidden) => `${head('HEAD')}${lengthOf(seen)}\r\n${seen}${hidden}`],
  ['a body of OPTIONS', (hidden) => `${head('OPTIONS')}${lengthOf(seen)}\r\n${seen}${hidden}`],
  ['chunks of GET', (hidden) => `${head('GET')}Transfer-Encoding: chunked\r\n\r\n${chunk(seen)}${END}${hidden}`],
  ['an unknown method', (hidden) => `${head('BREW')}${lengthOf(seen)}\r\n${seen}${hidden}`],
  ['a body that is expected', (hidden) => `${head()}Expect: 100-continue\r\n${lengthOf(seen)}\r\n${seen}${hidden}`],
  ['a body that is too large', (hidden) => `${head()}${lengthOf('x'.repeat(9000))}\r\n${'x'.repeat(9000)}${hidden}`],
  ['a body at another address', (hidden) => `${head()}${lengthOf(seen)}\r\n${seen}${hidden}`.replace(' /b ', ' /elsewhere ')],
  ['HTTP/1.0 that is kept', (hidden) => `${head()}Connection: keep-alive\r\n${lengthOf(seen)}\r\n${seen}${hidden}`.replace('HTTP/1.1', 'HTTP/1.0')],
];

const finalAnswers = (text) => [...text.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map((match) => match[1]).filter((status) => status !== '100');

async function answersTo(footfall, what) {
  const [, shape] = SHAPES.find(([name]) => name === what);
  return finalAnswers(await raw(footfall.collector, bytes(shape(hiddenIn(what)[0])), SILENCE_MS));
}

const AUTO = { FOOTFALL_HTTP_CLOSE_AFTER_BODY: 'auto' };
const NOBODY = { FOOTFALL_HTTP_TRUSTED_PROXIES: '192.0.2.1' };

async function withFootfall(env, work) {
  const footfall = await Footfall.start({ ...UNHURRIED, ...env });
  try {
    await footfall.addSite(SITE);
    await work(footfall);
  } finally {
    assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
  }
}

/** How many beacons the collector has dealt with, whatever became of them. */
async function beacons(footfall) {
  const told = await figures(footfall, 'collect');
  const rows = Object.entries(told).filter(([name]) => name.startsWith('footfall_collector_beacons_total'));
  return rows.reduce((sum, [, value]) => sum + value, 0);
}

const pages = async (footfall) => {
  await footfall.settle();
  return footfall.by(SITE, 'event:page', 'pageviews');
};

for (const [name, env] of [
  ['auto, behind a trusted front', AUTO],
  ['always, in front of everybody', { FOOTFALL_HTTP_CLOSE_AFTER_BODY: 'always', ...NOBODY }],
])
  test(`${name}: one answer a connection, and nothing hidden counts`, () =>
    withFootfall(env, async (footfall) => {
      const first = await beacons(footfall);
      let counted = 0;
      let answered = 0;
      const all = SHAPES.flatMap(([what, shape]) => hiddenIn(what).map((hidden) => [what, shape(hidden)]));
      await inParallel(all, 16, async ([what, sent]) => {
        const answers = finalAnswers(await raw(footfall.collector, bytes(sent), SILENCE_MS));
        assert.ok(answers.length <= 1, `${what}: ${answers}`);
        counted += answers[0] === '204' && !what.includes('OPTIONS');
        answered += answers.length;
      });
      assert.ok(counted > SHAPES.length / 2, 'most shapes are read as one view: else nothing is shown');
      assert.deepEqual(await pages(footfall), { '/seen': counted });
      await until('figures', async () => (await beacons(footfall)) - first >= counted);
      assert.ok((await beacons(footfall)) - first <= answered);
      assert.equal((await figures(footfall, 'collect'))['footfall_collector_drops_total{reason="bot"}'], 0);
      assert.equal((await footfall.stored(SITE, 'drops')).cbot, undefined);
    }));

test('auto: whoever is no trusted front may send several requests, each of which is his own', () =>
  withFootfall({ ...AUTO, ...NOBODY }, async (footfall) => {
    assert.deepEqual(await answersTo(footfall, 'behind a body'), ['204', '204']);
    assert.deepEqual(await pages(footfall), { '/seen': 1, '/hidden/behind-a-body': 1 });
  }));

test('never: chunks go before a length, and the first length before the second; what is behind is served', () =>
  withFootfall({ FOOTFALL_HTTP_CLOSE_AFTER_BODY: 'never' }, async (footfall) => {
    // So it is safe behind a front only that refuses these; the documents say so.
    const expected = {
      'behind a body': ['204', '204'],
      'a length and chunks that count': ['204', '204'],
      'two lengths': ['204', '204'],
      'no length, then one': ['400', '204'],
    };
    for (const [what, answers] of Object.entries(expected)) assert.deepEqual(await answersTo(footfall, what), answers, what);
    // What no front should send is the last of its connection all the same.
    for (const what of ['a folded coding', 'a folded length, and no body for us', 'a length in a folded line'])
      assert.deepEqual(await answersTo(footfall, what), ['400'], what);
    const hidden = Object.keys(expected).map((what) => [`/hidden/${what.replaceAll(' ', '-')}`, 1]);
    assert.deepEqual(await pages(footfall), { '/seen': 3, ...Object.fromEntries(hidden) });
  }));

test('at the dashboards a connection ends with the first body', () =>
  withFootfall({ FOOTFALL_HTTP_CLOSE_AFTER_BODY: 'auto' }, async (footfall) => {
    const question = JSON.stringify({ site_id: SITE, metrics: ['pageviews'], date_range: 'day' });
    const request = `POST /api/v2/query HTTP/1.1\r\nHost: x\r\n${lengthOf(question)}\r\n${question}`;
    assert.deepEqual(finalAnswers(await raw(footfall.dashboards, bytes(request + request), SILENCE_MS)), ['200']);
  }));
