// What an access log must count to, day by day, worked out plainly from what the documents promise.
// No shared code with Footfall; the way of one view to its page, source and browser is oracle.mjs's.

import { PAGES_REMEMBERED, browserOf, isBot, pageOf, sourceOf, visitorOf } from './oracle.mjs';

const LINE = /^(\S+) \S+ \S+ \[(\d+)\/(\w+)\/(\d+):([\d:]+) ([+-]\d\d)(\d\d)\] "(\S+) (\S+)[^"]*" (\d+) \S+ "([^"]*)" "([^"]*)"/;
const IDLE_MS = 30 * 60 * 1000;
// docs/operations.md: files that are no pages.
const FILES = new RegExp(
  '\\.(7z|aac|apk|appcache|atom|avi|avif|bin|bmp|bz2|css|csv|cur|deb|dmg|docx?|eot|epub|exe|flac|flv|gem|gif|gz|ico|ics|img|iso|jar|jpe?g|' +
    'js|json|key|less|m3u8|m4a|m4v|map|mjs|mkv|mov|mp3|mp4|mpd|mpe?g|msi|odp|ods|odt|ogg|ogv|opus|otf|pdf|png|pptx?|ps|rar|rdf|rpm|rss|rtf|' +
    'scss|svgz?|swf|tar|tgz|tiff?|ttf|txt|wasm|wav|webm|webmanifest|webp|woff2?|xlsx?|xml|xsl|xz|zip|zst)$',
  'i',
);

const unescape = (field) =>
  Buffer.from(
    field.replace(/\\x([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');

/** One line as a request, or null. */
export function requestOf(line) {
  const [, address, day, month, year, time, zoneHours, zoneMinutes, method, target, status, referrer, userAgent] = line.match(LINE) ?? [];
  if (!address) return null;
  const at = Date.parse(`${day} ${month} ${year} ${time} ${zoneHours}${zoneMinutes}`);
  return { address, at, method, target: unescape(target), status, referrer: referrer === '-' ? '' : referrer, userAgent: userAgent === '-' ? '' : userAgent };
}

function isReadable(path) {
  try {
    return !/\p{Cc}/u.test(decodeURIComponent(path));
  } catch {
    return false;
  }
}

const isPage = ({ method, status, target }) =>
  method === 'GET' && /^(200|304)$/.test(status) && !FILES.test(target.split(/[?#]/)[0].split('/').pop());

/** {date: {total, drops, page, entry_page, …}}, fields as they are at rest: metric letter + value. */
export function countLog(lines, site, timezone, countryOf) {
  const format = new Intl.DateTimeFormat('en', { timeZone: timezone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const dateOf = (at) => {
    const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
    return part.year + part.month + part.day;
  };
  const days = {};
  const visits = new Map();
  const visitors = {};
  for (const line of lines) {
    const request = requestOf(line);
    if (!request || !isPage(request) || !isReadable(request.target.split(/[?#]/)[0])) continue;
    const date = dateOf(request.at);
    const add = (table, metric, value, number = 1) => {
      const fields = ((days[date] ??= {})[table] ??= {});
      fields[metric + value] = (fields[metric + value] ?? 0) + number;
    };
    if (isBot(request.userAgent)) {
      add('drops', 'c', 'bot');
      continue;
    }
    const view = { ...request, url: `http://${site}${request.target}` };
    const page = pageOf(view.url);
    const visitor = visitorOf(view);
    (visitors[date] ??= new Set()).add(visitor);
    let visit = visits.get(`${date} ${visitor}`);
    const since = visit ? request.at - visit.last : 0;
    if (!visit || since > IDLE_MS) {
      visit = { last: request.at, views: 0, pages: [], entry: page, source: sourceOf(view, site) };
      visit.country = countryOf(request.address) ?? '(unknown)';
      visit.browser = browserOf(request.userAgent);
      visits.set(`${date} ${visitor}`, visit);
      visit.tables = [['total', ''], ['entry_page', page], ['source', visit.source], ['country', visit.country], ['browser', visit.browser]];
      for (const [table, value] of visit.tables) {
        add(table, 's', value);
        add(table, 'b', value);
      }
    } else {
      const seconds = Math.max(0, since / 1000);
      visit.last += 1000 * seconds;
      for (const [table, value] of visit.tables) {
        add(table, 'd', value, seconds);
        if (visit.views === 1) add(table, 'b', value, -1);
      }
    }
    visit.views++;
    for (const [table, value] of visit.tables) add(table, 'v', value);
    add('page', 'v', page);
    if (!visit.pages.includes(page)) {
      add('page', 's', page);
      visit.pages = [...visit.pages, page].slice(-PAGES_REMEMBERED);
    }
    if (visit.exit !== page) {
      add('exit_page', 's', page);
      if (visit.exit !== undefined) add('exit_page', 's', visit.exit, -1);
    }
    visit.exit = page;
  }
  for (const [date, set] of Object.entries(visitors)) days[date].visitors = set.size;
  return days;
}
