// HTTP/2 is off, however somebody asks for it: by the preface, by Upgrade, by simply speaking it. The
// answer is HTTP/1.1, never 101, and a flood of it leaves the memory as it was.
//   node http2.mjs   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { after, before, test } from 'node:test';
import { BROWSER, Footfall, UNHURRIED, inParallel, raw } from './harness.mjs';
import { memoryMb } from '../fault/watch.mjs';

const SITE = 'http2.example';
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const PORTS = ['collector', 'dashboards'];
const SILENCE_MS = 3000;
const GROWTH_MB = 12; // what a thousand connections of any kind leave in the allocator

let footfall;
let children;
before(async () => {
  footfall = await Footfall.start({ ...UNHURRIED, FOOTFALL_HTTP_CLOSE_AFTER_BODY: 'auto' });
  await footfall.addSite(SITE);
  children = footfall.children();
});
after(async () => {
  assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
});

/** A frame of HTTP/2. */
function frame(type, flags, stream, payload = '') {
  const bytes = Buffer.alloc(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.write(payload, 9, 'latin1');
  return bytes.toString('latin1');
}
const SETTINGS = frame(4, 0, 0);
// GET / of the static table: ":method GET", ":scheme http", ":path /".
const OPEN = (stream) => frame(1, 5, stream, '\x82\x86\x84');
const RESET = (stream) => frame(3, 0, stream, '\0\0\0\x08');
/** Streams that are opened and reset at once. */
const rapid = Array.from({ length: 500 }, (_, at) => OPEN(2 * at + 1) + RESET(2 * at + 1)).join('');
/** One header, doubled again and again by the table of headers. */
const bomb = OPEN(1) + frame(1, 5, 3, `\x40\x01a\x7f\x80\x20${'a'.repeat(4096 - 1)}${'\xbe'.repeat(4000)}`);

const SPOKEN = [
  ['the preface', PREFACE],
  ['the preface in two requests', `GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n${PREFACE}`],
  ['settings', PREFACE + SETTINGS],
  ['a request', PREFACE + SETTINGS + OPEN(1)],
  ['rapid resets', PREFACE + SETTINGS + rapid],
  ['a bomb of headers', PREFACE + SETTINGS + bomb],
  ['frames without a preface', SETTINGS + OPEN(1)],
];

test('spoken at once it is no HTTP', async () => {
  for (const port of PORTS)
    for (const [what, sent] of SPOKEN) {
      const answer = await raw(footfall[port], Buffer.from(sent, 'latin1'), SILENCE_MS);
      assert.match(answer, /^(HTTP\/1\.1 [24]|$)/, `${port}, ${what}`);
      assert.doesNotMatch(answer, /HTTP\/1\.1 101/, `${port}, ${what}`);
      assert.doesNotMatch(answer, /\0/, `${port}, ${what}: a frame`);
    }
});

const UPGRADE = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n';

test('Upgrade is passed over', async () => {
  for (const port of PORTS) {
    const answer = await raw(footfall[port], `GET /healthz HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n${PREFACE}${SETTINGS}`, SILENCE_MS);
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(answer, /HTTP\/1\.1 101|\0/);
  }
  const body = `s=${SITE}&u=http://${SITE}/`;
  const post = `POST /b HTTP/1.1\r\nHost: x\r\nUser-Agent: ${BROWSER}\r\n${UPGRADE}Content-Length: ${body.length}\r\n\r\n${body}`;
  const answer = await raw(footfall.collector, post, SILENCE_MS);
  assert.match(answer, /^HTTP\/1\.1 204 /);
  assert.doesNotMatch(answer, /HTTP\/1\.1 101|\0/);
});

test('a client of HTTP/2 gets nowhere', async () => {
  for (const port of PORTS) {
    const error = await new Promise((resolve, reject) => {
      const session = connect(`http://127.0.0.1:${footfall[port]}`);
      session.on('error', resolve);
      const stream = session.request({ ':path': '/healthz' });
      stream.on('error', () => {});
      stream.on('response', () => reject(new Error(`${port} has answered in HTTP/2`)));
    });
    assert.match(error.code, /^(ERR_HTTP2|ECONNRESET|EPIPE)/);
  }
});

test('a flood of it leaves the memory as it was', async () => {
  const flood = () => inParallel(Array(1000).keys(), 64, (at) => raw(footfall.collector, Buffer.from(SPOKEN[at % SPOKEN.length][1], 'latin1'), 20));
  await flood(); // warm
  const first = await memoryMb(footfall, 'collect');
  await flood();
  const last = await memoryMb(footfall, 'collect');
  assert.ok(last < first + GROWTH_MB, `${first} MB, then ${last} MB`);
  assert.deepEqual(footfall.children(), children);
});
