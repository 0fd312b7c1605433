// What visitors send, right and wrong: each kind of request in which a collector sees canaries.
// Paths, hosts of referrers, names of events and properties are kept by design and hold none.

import { http, raw } from '../e2e/harness.mjs';

export const SITE = 'canary.example';
export const PAGES = ['/', '/about', '/blog/first', '/shop', '/contact'];
const BODY_BYTES_MAX = 8192;

const page = (who) => PAGES[who.number % PAGES.length];
const url = (who) => `https://${SITE}${page(who)}${who.wholes.query}#${who.words.fragment}`;

/** Ways in which fronts write the same address. */
function forwarded({ number, address }) {
  const bracketed = address.includes(':') ? `[${address}]` : address;
  return [address, `${bracketed}:4711`, `192.0.2.1, ${address}`, `${address}, 127.0.0.1`][(number >> 1) % 4];
}

function headers(who) {
  return {
    'user-agent': who.wholes.agent,
    'accept-language': who.wholes.languages,
    'x-forwarded-for': forwarded(who),
    'x-real-ip': who.address,
    forwarded: `for="${who.address}"`,
    'x-request-id': who.words.header,
    cookie: who.wholes.cookie,
    authorization: who.wholes.authorization,
    referer: `https://${SITE}/from/${who.words.referrerPath}?${who.words.referrerQuery}`,
    'content-type': 'text/plain',
  };
}

const form = (who, fields = {}) => new URLSearchParams({ s: SITE, u: url(who), r: who.wholes.referrer, w: '1280', ...fields }).toString();
const post = (footfall, who, body, more = {}) => footfall.post(body, { ...headers(who), ...more });

/** JSON to another tool's address, with what its server would believe of the visitor's address. */
function send(footfall, who, path, body) {
  const claims = { 'x-plausible-ip': who.address, 'cf-connecting-ip': who.address, 'x-umami-cache': who.words.authorization };
  return http(footfall.collector, { method: 'POST', path, headers: { ...headers(who), ...claims }, body: JSON.stringify(body) });
}

function get(footfall, who, path, more = {}) {
  return http(footfall.collector, { path, headers: { ...headers(who), ...more } });
}

async function bytesOf(footfall, lines) {
  const reply = await raw(footfall.collector, lines.join('\r\n'), 300);
  return { status: Number(reply.match(/^HTTP\/1\.1 (\d+)/)?.[1] ?? 0), headers: {}, body: Buffer.from(reply, 'latin1') };
}

const umamiType = ({ number }) => ['event', 'identify'][(number >> 1) % 2];

const lines = (who, more = {}) => Object.entries({ host: 'x', ...headers(who), ...more }).map(([name, value]) => `${name}: ${value}`);

/** kind: [how many of 1,000, expected statuses, send(footfall, visitor)]; 0 is a closed connection. */
export const KINDS = {
  view: [160, [202, 204], (footfall, who) => post(footfall, who, form(who))],
  'secret path': [80, [202, 204], (footfall, who) => {
    const person = who.number % 2 ? who.secret : `${who.words.mail}@example.org`;
    return post(footfall, who, form(who, { u: `https://${SITE}/account/${person}/orders${who.wholes.query}` }));
  }],
  event: [90, [202, 204], (footfall, who) => post(footfall, who, form(who, { n: 'signup', p: '{"plan":"pro"}' }))],
  engagement: [60, [202, 204], (footfall, who) => post(footfall, who, form(who, { n: 'engagement', t: '4200', d: '60' }))],
  pixel: [60, [200], (footfall, who) => {
    const target = `${page(who)}${who.wholes.query}#${who.words.fragment}`;
    return get(footfall, who, `/b.gif?${new URLSearchParams({ s: SITE, p: target, r: who.wholes.referrer, x: who.words.mail })}`);
  }],
  plausible: [30, [202], (footfall, who) => {
    const link = `https://elsewhere.example/file${who.wholes.query}#${who.words.fragment}`;
    const p = [{ url: link }, JSON.stringify({ url: link, mail: `${who.words.mail}@example.org` })][(who.number >> 1) % 2];
    return send(footfall, who, '/api/event', { n: 'Outbound Link: Click', d: SITE, u: url(who), r: who.wholes.referrer, p, x: who.secret });
  }],
  umami: [30, [200], (footfall, who) => {
    const claims = { ip: who.address, userAgent: who.words.agent, id: who.words.mail, tag: who.words.click, title: who.words.header };
    const told = { website: SITE, hostname: SITE, url: `${page(who)}${who.wholes.query}#${who.words.fragment}`, referrer: who.wholes.referrer };
    return send(footfall, who, '/api/send', { type: umamiType(who), payload: { ...told, ...claims, language: who.words.language, data: { key: who.secret } } });
  }],
  goatcounter: [30, [200], (footfall, who) => {
    const said = { p: `${page(who)}${who.wholes.query}`, q: who.wholes.query, r: who.wholes.referrer, t: who.words.mail, rnd: who.words.click };
    return get(footfall, who, `/count?${new URLSearchParams(said)}`);
  }],
  bot: [60, [202], (footfall, who) =>
    post(footfall, who, form(who), { 'user-agent': `Mozilla/5.0 (compatible; Googlebot/2.1; ${who.words.agent})` })],
  prefetch: [30, [202], (footfall, who) => post(footfall, who, form(who), { purpose: 'prefetch' })],
  'opted out': [90, [202, 204], (footfall, who) => {
    const refusals = [{ 'sec-gpc': '1' }, { dnt: '1' }, { cookie: `${who.wholes.cookie}; footfall_optout=1` }];
    return post(footfall, who, form(who), refusals[who.number % 3]);
  }],
  malformed: [80, [400], (footfall, who) => {
    const bodies = [`${form(who)}&u=again`, JSON.stringify({ s: SITE, u: url(who) }), `s=${SITE}&u=${url(who)}%zz`, form(who, { u: who.words.query })];
    return post(footfall, who, bodies[(who.number >> 1) % bodies.length]);
  }],
  'unknown site': [40, [404], (footfall, who) => post(footfall, who, form(who, { s: 'nobody.example' }))],
  'foreign origin': [40, [202, 403], (footfall, who) => post(footfall, who, form(who), { origin: 'https://elsewhere.example' })],
  'no such path': [40, [404], (footfall, who) => get(footfall, who, `/nothing/${who.words.mail}?x=${who.words.click}&${who.wholes.query.slice(1)}`)],
  'wrong method': [20, [405], (footfall, who) => get(footfall, who, `/b${who.wholes.query}`)],
  'too large': [30, [0, 413], (footfall, who) => {
    const size = [BODY_BYTES_MAX + 1, 40_000, 1 << 20][who.number % 3];
    return post(footfall, who, form(who).padEnd(size, `&x=${who.words.fragment}`));
  }],
  'no HTTP': [20, [0, 400], (footfall, who) => bytesOf(footfall, [`GET /b?${who.words.click} HTTP/1.1`, ...lines(who), `broken ${who.words.header}`, '', ''])],
  'cut short': [10, [0, 408], (footfall, who) =>
    bytesOf(footfall, ['POST /b HTTP/1.1', ...lines(who, { 'content-length': '4000' }), '', form(who)])],
};

/** Whether such a request of this visitor counts as a page view. */
export function isPageView(kind, who) {
  return ['view', 'secret path', 'pixel', 'goatcounter'].includes(kind) || (kind === 'umami' && umamiType(who) === 'event');
}

const STRIDE = 617; // near the golden ratio of a thousand, and prime: any run of them is a fair sample

/** The kinds, each as often as it says, mixed, and without regard to visitors' numbers: `count` names. */
export function kindsInTurn(count) {
  const names = Object.entries(KINDS).flatMap(([kind, [share]]) => Array(share).fill(kind));
  return Array.from({ length: count }, (_, at) => names[(at * STRIDE) % names.length]);
}
