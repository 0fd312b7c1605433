// Access logs for tests of the import: an invented one, and the shapes that a log may have.

import { inventedViews, randomFrom } from './logs.mjs';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (number) => String(number).padStart(2, '0');

export function timeOf(ms, zoneHours = 0) {
  const date = new Date(ms + zoneHours * 3_600_000);
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  const zone = `${zoneHours < 0 ? '-' : '+'}${two(Math.abs(zoneHours))}00`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} ${zone}`;
}

/** As Apache writes what is no printable ASCII. */
const escaped = (text) =>
  [...Buffer.from(text)].map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`)).join('');

/** Some visitors who come again and again, within a visit and after it. */
const SPELL = 397;
function* visitsOf(site, pool, count) {
  const spell = inventedViews(site, pool, SPELL);
  for (let i = 0; i < count; i++) yield spell[(i * (1 + Math.floor(i / SPELL))) % SPELL];
}

/** Lines over three days, some seconds out of order, with files, errors, posts and nonsense between. */
export function inventedLog(site, pool, count, start = Date.UTC(2019, 9, 26, 20)) {
  const random = randomFrom(26);
  const noise = [
    ['GET', '/style.css', 200], ['GET', '/a/photo.JPG?w=2', 304], ['GET', '/feed.xml', 200], ['POST', '/comment', 200],
    ['GET', '/gone', 404], ['GET', '/moved', 301], ['HEAD', '/', 200], ['GET', '/%ff%fe', 200], ['OPTIONS', '*', 200],
  ];
  let at = start;
  return [...visitsOf(site, pool, count)].map(({ address, userAgent, url, referrer }) => {
    at += Math.floor((random() * 2 * 3 * 86_400_000) / count);
    const when = timeOf(at - Math.floor(random() * 5) * 1000, random() < 0.5 ? 0 : 2);
    if (random() < 0.01) return `nonsense ${address} [${when}] "${userAgent}`;
    let [method, target, status] = ['GET', url.replace(/^https?:\/\/[^/]*/, ''), random() < 0.1 ? 304 : 200];
    if (random() < 0.3) [method, target, status] = noise[Math.floor(random() * noise.length)];
    return `${address} - - [${when}] "${method} ${escaped(target)} HTTP/1.1" ${status} 512 "${referrer || '-'}" "${userAgent}"`;
  });
}

/** Apache's vhost_combined, with other hosts' lines between. */
export function vhostLog(lines, site) {
  return lines.flatMap((line, at) => {
    const mine = `${at % 2 ? site : `WWW.${site}`}:443 ${line}`;
    return at % 5 === 0 ? [`other.example:443 ${line}`, mine] : [mine];
  });
}

/** Caddy's, of lines that can be read; visitors who refused come between. `requestOf`: log_oracle.mjs. */
export function caddyLog(lines, site, requestOf) {
  return lines.flatMap((line, index) => {
    const request = requestOf(line);
    if (!request) return ['{"level":"info","msg":"no request"}'];
    const { address, at, method, target, status, referrer, userAgent } = request;
    const headers = { ...(userAgent && { 'User-Agent': [userAgent] }), ...(referrer && { Referer: [referrer] }), Cookie: ['REDACTED'] };
    const json = (more) =>
      JSON.stringify({
        level: 'info', ts: at / 1000, logger: 'http.log.access', msg: 'handled request',
        request: { remote_ip: address, remote_port: '4711', client_ip: address, proto: 'HTTP/2.0', method, host: site, uri: target, headers: { ...headers, ...more } },
        duration: 0.001, size: 512, status: Number(status), resp_headers: { Server: ['Caddy'] },
      });
    const refusals = [{ 'Sec-Gpc': ['1'] }, { Dnt: ['1'] }, { Cookie: ['a=b; footfall_optout=1'] }];
    return index % 7 === 0 ? [json({}), json(refusals[(index / 7) % 3])] : [json({})];
  });
}

/** A zstd frame of raw blocks, which any reader of zstd takes. */
export function zstdFrame(bytes) {
  const BLOCK = 100_000;
  const parts = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58])];
  for (let at = 0; at === 0 || at < bytes.length; at += BLOCK) {
    const block = bytes.subarray(at, at + BLOCK);
    const head = Buffer.alloc(3);
    head.writeUIntLE((block.length << 3) | (at + BLOCK >= bytes.length ? 1 : 0), 0, 3);
    parts.push(head, block);
  }
  return Buffer.concat(parts);
}
