// What a list of page views must count to, worked out plainly from what the documents promise: one
// pass over Maps, no shared code with Footfall but the public lists that both read. Not a second
// implementation: it knows the sources, pages and browsers that the replayed logs hold.
//   view   {address, userAgent, url, referrer}, in the order in which each visitor made them
// All views are within minutes of each other, so a visitor (address, User-Agent) makes one visit.

import { readFileSync } from 'node:fs';
import { list as isbotPatterns } from 'isbot';
import { load } from 'js-yaml';
import { BROWSER_NAMES, CRAWLERS_LEFT_OUT, OWN_BOTS } from '../../tools/agent_names.mjs';
import { addressBytes } from './mmdb.mjs';

// --- Browsers and bots: the first rule that matches, by JavaScript's own expressions -------------------

const list = (path) => readFileSync(new URL(`../../node_modules/${path}`, import.meta.url), 'utf8');
const uap = load(list('uap-core/regexes.yaml'));
const crawlers = JSON.parse(list('crawler-user-agents/crawler-user-agents.json'));
const isSpider = (rule) => rule.device_replacement === 'Spider';
const firstDevice = uap.device_parsers.findIndex((rule) => !isSpider(rule));
const BOTS = [
  ...[...OWN_BOTS, ...isbotPatterns].map((source) => new RegExp(source, 'i')),
  ...crawlers.filter((each) => !CRAWLERS_LEFT_OUT.has(each.pattern)).map((each) => new RegExp(each.pattern)),
  ...uap.device_parsers.slice(0, firstDevice).map((rule) => new RegExp(rule.regex, rule.regex_flag ?? '')),
];
const BROWSERS = uap.user_agent_parsers.map((rule) => ({ ...rule, re: new RegExp(rule.regex, rule.regex_flag ?? '') }));
const NAMES = new Set(BROWSERS.map((rule) => rule.family_replacement).filter((name) => name && !name.includes('$')));

function memo(fn) {
  const known = new Map();
  return (key) => known.get(key) ?? known.set(key, fn(key)).get(key);
}

export const isBot = memo((userAgent) => BOTS.some((re) => re.test(userAgent)));

export const browserOf = memo((userAgent) => {
  for (const { re, regex, family_replacement: replacement = '$1' } of BROWSERS) {
    const groups = re.exec(userAgent);
    if (!groups) continue;
    const name = replacement.replace(/\$(\d)/g, (_, n) => groups[n] ?? '').trim();
    // A name that no rule spells may be anybody's own: it counts under (other).
    const isSpelled = NAMES.has(name) || regex.replace(/\\(?=\W)/g, '').includes(name);
    return isSpelled ? (BROWSER_NAMES[name] ?? name) : '(other)';
  }
  return '(other)';
});

// --- Sources: the names that the logs' referrers and tags have ------------------------------------------

const SOURCES = [
  [/^(images|encrypted)?\.?google\.(com?\.)?[a-z]+$/, 'Google'],
  [/(^|\.)googleusercontent\.com$/, 'Google'],
  [/^stackoverflow\.com$/, 'Stack Overflow'],
  [/(^|\.)(stackexchange|superuser|serverfault|askubuntu)\.com$/, 'Stack Exchange'],
  [/(^|\.)bing\.com$/, 'Bing'],
  [/(^|\.)duckduckgo\.com$/, 'DuckDuckGo'],
  [/(^|\.)yandex\.ru$/, 'Yandex'],
  [/(^|\.)baidu\.com$/, 'Baidu'],
  [/(^|\.)wikipedia\.org$/, 'Wikipedia'],
  [/^t\.co$|^(.*\.)?twitter\.com$/, 'X (Twitter)'],
];
const TAGS = { google: 'Google', newsletter: 'newsletter' };
const named = (host) => SOURCES.find(([re]) => re.test(host))?.[1] ?? host;

export function sourceOf({ url, referrer }, site) {
  const query = new URLSearchParams((url.split('#')[0].match(/\?(.*)/s) ?? ['', ''])[1]);
  const tag = [query.get('utm_source'), query.get('ref'), query.get('source')].find((each) => each);
  if (tag) return TAGS[tag.toLowerCase()] ?? (tag.includes('.') ? named(tag) : tag);
  const host = (referrer.match(/^https?:\/\/([^/?#:\\]+)(?=[/?#:]|$)/i) ?? ['', ''])[1].toLowerCase().replace(/^www\.(?=.*\.)/, '');
  return host === '' || host === site ? 'Direct / None' : named(host);
}

// --- Pages ------------------------------------------------------------------------------------------------

const SECRETS = [
  /^\d{6,}(\.\w*[a-z]\w*)?$/i, // a long number, also with an extension
  /\d{10}/,
  /[^\s@]@[a-z][\w-]*(\.[\w-]+)*\.[a-z]{2,}/i,
  /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/i,
  /(?<![a-z0-9])(?=[a-f]*\d)[0-9a-f]{16,}(?![a-z0-9])/i,
  /(?<![a-z0-9])(?=[a-z]*\d+[a-z]+\d+[a-z]+\d)[a-z0-9]{20,}(?![a-z0-9])/i,
];
/** Twenty characters or more of base64, with several capitals, of which most do not stand in words. */
const isToken = (run) =>
  /([A-Z].*){3}/.test(run) && /[a-z]/.test(run) && /\d/.test(run) && run.replace(/[a-z]{3,}/g, '').length > 0.6 * run.length;
const isSecret = (text) => SECRETS.some((re) => re.test(text)) || (text.match(/[\w+-]{20,}/g) ?? []).some(isToken);

export function pageOf(url) {
  const raw = url.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#]/)[0];
  const kept = [];
  for (const segment of decodeURIComponent(raw).split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(isSecret(segment.trim()) ? ':id' : segment);
  }
  let path = `/${kept.join('/')}`;
  while (Buffer.byteLength(path) > 512) path = [...path].slice(0, -1).join('');
  return path.replace(/[ /]+$/, '') || '/';
}

// --- Counting ---------------------------------------------------------------------------------------------

export const PAGES_REMEMBERED = 24; // docs/limits.md

const isIPv4 = (address) => !address.includes(':');
/** A visitor is a whole IPv4 address, or the /64 that one line gets, and a User-Agent. */
export const visitorOf = ({ address, userAgent }) =>
  `${isIPv4(address) ? address : addressBytes(address).subarray(0, 8).toString('hex')} ${userAgent}`;

/** What of a view is counted two at a time here, in the order of the keys' names. */
const CROSSED = ['page', 'entry_page', 'source', 'country', 'browser'];

/** `countryOf(address)`: two letters or null. Gives totals, {value: number} by table, and by cross
 *  {both values: [views, visits]}. */
export function count(views, site, countryOf) {
  const tables = {};
  const add = (table, value, number = 1) => {
    tables[table] ??= {};
    tables[table][value] = (tables[table][value] ?? 0) + number;
  };
  const crosses = {};
  const cross = (values, isNewVisit, isNewPage) => {
    for (const [at, left] of CROSSED.entries()) {
      for (const right of CROSSED.slice(at + 1)) {
        const cells = (crosses[`${left}*${right}`] ??= {});
        const cell = (cells[`${values[left]}\x1f${values[right]}`] ??= [0, 0]);
        cell[0]++;
        cell[1] += (left === 'page' ? isNewPage : isNewVisit) ? 1 : 0;
      }
    }
  };
  const visits = new Map();
  let bots = 0;
  for (const view of views) {
    if (isBot(view.userAgent)) {
      bots++;
      continue;
    }
    const page = pageOf(view.url);
    const visitor = visitorOf(view);
    if (!visits.has(visitor)) {
      const source = sourceOf(view, site);
      const country = countryOf(view.address) ?? '(unknown)';
      visits.set(visitor, { views: 0, entry: page, pages: [], source, country, browser: browserOf(view.userAgent) });
    }
    const visit = visits.get(visitor);
    visit.views++;
    visit.exit = page;
    add('page', page);
    // A visit remembers so many pages; who comes back to one from before is new there.
    const isNewPage = !visit.pages.includes(page);
    if (isNewPage) {
      add('page visits', page);
      visit.pages = [...visit.pages, page].slice(-PAGES_REMEMBERED);
    }
    // What a visit brings along counts as its first view showed it.
    for (const table of ['source', 'country', 'browser']) add(table, visit[table]);
    cross({ ...visit, page, entry_page: visit.entry }, visit.views === 1, isNewPage);
  }
  for (const visit of visits.values()) {
    for (const table of ['source', 'country', 'browser', 'entry', 'exit']) add(`${table} visits`, visit[table]);
    if (visit.views === 1) add('entry bounces', visit.entry);
  }
  const all = [...visits.values()];
  const bounces = all.filter((visit) => visit.views === 1).length;
  return { tables, crosses, bots, visits: all.length, bounces, pageviews: all.reduce((sum, visit) => sum + visit.views, 0) };
}
