// Canaries: what a visitor's browser says and nobody may keep, unique in each request; and every
// spelling in which one could come to rest by mistake. Nothing here knows where to look.

import { createHash, randomBytes, randomInt } from 'node:crypto';

const LETTERS = 'bcdfghjkmnpqsvwxz'; // no word, no hexadecimal digit string, no address, no bot ("rss", "http")
const TOKEN_LETTERS = 12;

export const token = () => Array.from({ length: TOKEN_LETTERS }, () => LETTERS[randomInt(LETTERS.length)]).join('');

/** A public address all of whose bytes are above ASCII, so that text cannot look like it. */
export function ipv4() {
  const octet = () => randomInt(200, 256);
  return `${randomInt(131, 169)}.${octet()}.${octet()}.${octet()}`;
}

/** A public address with a run of zeros, in its canonical spelling. */
export function ipv6() {
  const group = () => randomInt(0x1000, 0x10000).toString(16);
  return `2${randomInt(0xa00, 0xc00).toString(16)}:${group()}:${group()}::${group()}:${group()}`;
}

// --- Hashes that need no key -----------------------------------------------------------------------

const MURMUR_MULTIPLIER = 0xc6a4a7935bd1e995n;
const MURMUR_SEED = 0xadc83b19n; // that of Redis
const WORD = (1n << 64n) - 1n;

/** MurmurHash64A as Redis computes it for PFADD, little-endian. */
export function murmur64(bytes) {
  const times = (value) => (value * MURMUR_MULTIPLIER) & WORD;
  let hash = MURMUR_SEED ^ times(BigInt(bytes.length));
  const whole = bytes.length & ~7;
  for (let at = 0; at < whole; at += 8) {
    let part = times(bytes.readBigUInt64LE(at));
    part = times(part ^ (part >> 47n));
    hash = times(hash ^ part);
  }
  if (whole < bytes.length) {
    let rest = 0n;
    for (let at = bytes.length - 1; at >= whole; at--) rest = (rest << 8n) | BigInt(bytes[at]);
    hash = times(hash ^ rest);
  }
  hash = times(hash ^ (hash >> 47n));
  const result = Buffer.alloc(8);
  result.writeBigUInt64LE(hash ^ (hash >> 47n));
  return result;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** CRC-32 of zlib, big-endian. Node 18 has none of its own. */
export function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  const result = Buffer.alloc(4);
  result.writeUInt32BE((value ^ 0xffffffff) >>> 0);
  return result;
}

const HASHES = {
  md5: (bytes) => createHash('md5').update(bytes).digest(),
  sha1: (bytes) => createHash('sha1').update(bytes).digest(),
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  murmur64,
};

// --- Spellings ---------------------------------------------------------------------------------------

const reversed = (bytes) => Buffer.from(bytes).reverse();

/** What base64 makes of `bytes` wherever they stand in something longer: [spelling, text]. */
function base64Forms(bytes) {
  const forms = [];
  for (let before = 0; before < 3; before++) {
    // The first and the last character may hold bits of the neighbours.
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64').replace(/=+$/, '');
    const first = [0, 2, 3][before];
    const partial = (before + bytes.length) % 3 === 0 ? 0 : 1;
    const kept = text.slice(first, text.length - partial);
    forms.push([`base64+${before}`, kept], [`base64url+${before}`, kept.replace(/\+/g, '-').replace(/\//g, '_')]);
  }
  return forms;
}

const percented = (bytes) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

/** [spelling, bytes] of text, or of bytes that are no text. */
function plainForms(bytes) {
  const hex = bytes.toString('hex');
  const forms = [['hex', hex], ['HEX', hex.toUpperCase()], ...base64Forms(bytes)];
  forms.push(['percent', percented(bytes)], ['PERCENT', percented(bytes).toUpperCase()]);
  return forms.map(([spelling, text]) => [spelling, Buffer.from(text)]);
}

function textForms(text) {
  const bytes = Buffer.from(text);
  const forms = [['text', bytes], ['TEXT', Buffer.from(text.toUpperCase())], ...plainForms(bytes)];
  forms.push(['reversed', reversed(bytes)], ['utf-16', Buffer.from(text, 'utf16le')]);
  const encoded = encodeURIComponent(text);
  if (encoded !== text) forms.push(['URL-encoded', Buffer.from(encoded)], ['form-encoded', Buffer.from(new URLSearchParams([['', text]]).toString().slice(1))]);
  return forms;
}

/** The unsalted hashes of bytes, each as bytes, hexadecimal and base64. */
function hashForms(bytes, hashes = HASHES) {
  const forms = [];
  for (const [name, hash] of Object.entries(hashes)) {
    const digest = hash(bytes);
    const hex = digest.toString('hex');
    forms.push([name, digest], [`${name} hex`, Buffer.from(hex)], [`${name} HEX`, Buffer.from(hex.toUpperCase())]);
    forms.push([`${name} base64`, Buffer.from(digest.toString('base64').replace(/=+$/, ''))]);
    if (digest.length > 8) continue;
    forms.push([`${name} swapped`, reversed(digest)], [`${name} swapped hex`, Buffer.from(reversed(digest).toString('hex'))]);
    forms.push([`${name} decimal`, Buffer.from(BigInt(`0x${hex}`).toString())]);
    forms.push([`${name} swapped decimal`, Buffer.from(BigInt(`0x${reversed(digest).toString('hex')}`).toString())]);
  }
  return forms;
}

/** Bytes of an address: 4, or 16. */
export function addressBytes(address) {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head, tail] = address.split('::').map((half) => half.split(':'));
  const groups = [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

const named = (forms) => forms.map(([spelling, bytes]) => [`address ${spelling}`, bytes]);

/** Of an address's bytes, 4 or 16. */
function addressForms(bytes) {
  const hex = bytes.toString('hex');
  const decimal = (each) => Buffer.from(BigInt(`0x${each.toString('hex')}`).toString());
  const forms = [['bytes', bytes], ['swapped', reversed(bytes)], ['swapped hex', Buffer.from(reversed(bytes).toString('hex'))]];
  forms.push(['decimal', decimal(bytes)], ['swapped decimal', decimal(reversed(bytes))]);
  forms.push(...plainForms(bytes), ['base64 alone', Buffer.from(bytes.toString('base64'))]);
  if (bytes.length === 4) forms.push(['mapped in hex', Buffer.from(`::ffff:${hex.slice(0, 4)}:${hex.slice(4)}`)]);
  return named(forms);
}

/** Parts of an address, which are kept as little as the whole, and other ways to write it. */
function addressTexts(bytes) {
  if (bytes.length === 4) return named([['first three numbers', Buffer.from(`${[...bytes.subarray(0, 3)].join('.')}.`)]]);
  const hex = bytes.toString('hex');
  const groups = hex.match(/.{4}/g);
  const text = (parts) => Buffer.from(parts.join(':'));
  return named([
    ['expanded', text(groups)],
    ['EXPANDED', text(groups.map((group) => group.toUpperCase()))],
    ['zeros in full', text(groups.map((group) => group.replace(/^0{1,3}/, '')))],
    ['words swapped', Buffer.from(bytes).swap32()],
    ['first 48 bits', bytes.subarray(0, 6)],
    ['first 48 bits in text', text(groups.slice(0, 3))],
    ['first 48 bits in hex', Buffer.from(hex.slice(0, 12))],
    ['first 64 bits', bytes.subarray(0, 8)],
  ]);
}

// --- Visitors ------------------------------------------------------------------------------------------

/** Everything that one request says and nobody may keep. */
export function visitor(number) {
  const words = {};
  for (const name of ['agent', 'cookie', 'authorization', 'query', 'fragment', 'click', 'mail', 'referrerPath', 'referrerQuery', 'header', 'language'])
    words[name] = token();
  const secret = randomBytes(16).toString('hex');
  const wholes = {
    agent: `Mozilla/5.0 (X11; Linux x86_64; ${words.agent}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36`,
    cookie: `session=${words.cookie}`,
    authorization: `Bearer ${words.authorization}`,
    query: `?q=${words.query}&gclid=${words.click}`,
    referrer: `https://news-${number % 5}.example/story/${words.referrerPath}?id=${words.referrerQuery}`,
    languages: `fr-FR,fr;q=0.9,en-x-${words.language};q=0.1`,
  };
  return { number, address: number % 2 ? ipv6() : ipv4(), words, secret, wholes };
}

/** [what, text] of a visitor, each a canary of its own. */
const textsOf = (who) => Object.entries({ ...who.words, secret: who.secret, address: who.address });

/** [what, text] of which only a hash could be left that the texts do not find. */
function wholesOf(who) {
  const joined = ['', '|', ':', ' '].map((between) => [`address and agent, "${between}"`, `${who.address}${between}${who.wholes.agent}`]);
  return [...Object.entries(who.wholes).map(([what, whole]) => [`whole ${what}`, whole]), ...joined];
}

/** Calls each(what, spelling, bytes) for the forms that cannot come about by chance. */
export function eachForm(who, each) {
  const all = (what, forms) => forms.forEach(([spelling, bytes]) => each(what, spelling, bytes));
  for (const [what, text] of textsOf(who)) all(what, [...textForms(text), ...hashForms(Buffer.from(text))]);
  for (const [what, whole] of wholesOf(who)) all(what, hashForms(Buffer.from(whole)));
  const bytes = addressBytes(who.address);
  all('address', [...addressTexts(bytes), ...named(hashForms(bytes))]);
  if (bytes.length > 4) all('address', addressForms(bytes));
}

/** The same for forms of 32 bits, which random bytes hold by chance. */
export function eachShortForm(who, each) {
  const all = (what, forms) => forms.forEach(([spelling, bytes]) => bytes.length >= 4 && each(what, spelling, bytes));
  for (const [what, text] of [...textsOf(who), ...wholesOf(who)]) all(what, hashForms(Buffer.from(text), { crc32: crc }));
  const bytes = addressBytes(who.address);
  all('address', named(hashForms(bytes, { crc32: crc })));
  if (bytes.length === 4) all('address', addressForms(bytes));
}
