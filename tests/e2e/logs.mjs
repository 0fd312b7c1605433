// Access logs to replay: a real one's lines, and an invented one of the same shape, the same in every
// run but for the addresses, which come from the geo database that is used.

import { USUAL_BROWSERS } from '../../tools/agent_names.mjs';

const LINE = /^(\S+) \S+ \S+ \[[^\]]*\] "(\S+) (\S+)[^"]*" (\d+) \S+ "([^"]*)" "([^"]*)"$/;

/**
 * The page views of a log in the combined format. The rule: every GET that was answered 200 or 304,
 * whatever it fetched, is a view of its path. Pictures are no pages, but they count the same.
 */
export function viewsOfLog(text, site) {
  const views = [];
  for (const line of text.split('\n')) {
    const [, address, method, target, status, referrer, userAgent] = line.match(LINE) ?? [];
    if (method !== 'GET' || (status !== '200' && status !== '304')) continue;
    views.push({ address, userAgent, url: `http://${site}${target}`, referrer: referrer === '-' ? '' : referrer });
  }
  return views;
}

/** Numbers from 0 to 1, the same for a seed. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const USER_AGENTS = [
  ...USUAL_BROWSERS,
  'Mozilla/5.0 (Windows NT 6.1; WOW64; rv:27.0) Gecko/20100101 Firefox/27.0',
  'Mozilla/5.0 (X11; Ubuntu; Linux i686; rv:14.0) Gecko/20100101 Firefox/14.0.1',
  'Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.16',
  'Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)',
  'Mozilla/5.0 (iPad; CPU OS 7_0_4 like Mac OS X) AppleWebKit/537.51.1 (KHTML, like Gecko) Version/7.0 Mobile/11B554a Safari/9537.53',
  'Mozilla/5.0 (X11; Linux x86_64) KHTML/4.8.4 (like Gecko) Konqueror/4.8',
  'Mozilla/5.0 Nobody/1.0 knows what this is',
];
const BOT_AGENTS = [
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
  'UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/',
  'curl/7.88.1',
  '-',
];
const PAGES = [
  '/', '/about', '/about/', '//about', '/blog/./post', '/blog/../about', '/blog/open%20source', '/caf%C3%A9', '/café',
  '/%E2%82%AC/%F0%9F%A6%8A', '/a+b', '/index.html', '/index.html?session=1234567', '/page#part', '/page?x=1&amp;y=2',
  '/user/4711234/orders', '/user/99812345678/orders', '/order/4711234.html', '/year/2015', '/mail/ann@example.org/read',
  '/mail/bob%40example.org/read', '/doc/123e4567-e89b-42d3-a456-426614174000', '/reset/5f4dcc3b5aa765d61d8327deb882cf99',
  '/t/01ARZ3NDEKTSV4RRFFQ69G5FAV', '/files/xdotool-20070713.html', '/npm/core@7.22.5.js', '/img/logo@2x.png', '/deadbeef',
  `/${'long/'.repeat(100)}end`, `/${'é'.repeat(300)}`, `/x${'é'.repeat(300)}`,
];
const TAGS = ['', '', '', '', '', '', '?utm_source=newsletter&utm_medium=email', '?ref=partner.example', '?utm_source=Google'];
const REFERRERS = [
  '', '', '', 'https://www.google.de/', 'https://www.google.co.uk/search?q=secret', 'https://duckduckgo.com/', 'android-app://com.example',
  'https://news.example.com/story?id=1', 'http://www.news.example.com/', 'https://t.co/abc', 'https://en.wikipedia.org/wiki/Footfall',
  'https://own/elsewhere', 'https://www.own/', 'https://sub.own/',
];

/** `pool`: addresses that the geo database knows; as many again that it may not. */
export function inventedViews(site, pool, viewCount) {
  const random = randomFrom(2015);
  const pick = (items) => items[Math.floor(random() * items.length)];
  const byte = () => Math.floor(random() * 256);
  const address = () => {
    const kind = random();
    if (kind < 0.6) return pick(pool);
    if (kind < 0.9) return `${1 + Math.floor(random() * 222)}.${byte()}.${byte()}.${byte()}`;
    // Two of them are often of one /64, which is one line and one visitor.
    return `2001:db9:${pick(['a', 'b'])}:${pick(['1', '2', '3'])}::${(1 + byte()).toString(16)}`;
  };
  const visitors = Array.from({ length: Math.ceil(viewCount / 4) }, () => ({
    address: address(),
    userAgent: pick(random() < 0.1 ? BOT_AGENTS : USER_AGENTS),
  }));
  return Array.from({ length: viewCount }, () => {
    // A few visitors read much, many read one page.
    const visitor = visitors[Math.floor(visitors.length * random() ** 2)];
    const page = pick(PAGES);
    const tag = /[?#]/.test(page) ? '' : pick(TAGS);
    return { ...visitor, url: `https://${site}${page}${tag}`, referrer: pick(REFERRERS).replace(/\bown\b/, site) };
  });
}
