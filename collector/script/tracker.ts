// The tracker: what a counted page runs. It tells the collector which page is seen, for how long
// and how far down, and nothing about who sees it. It writes nothing on the device but a refusal.
//
// Its state is the page in sight. Everything that may change it (a load, the History API, a return
// from the back/forward cache, a tab that comes to the front) ends in change(), which counts a view
// when the path in sight is not the one it knows. So a navigation is one view however many events
// announce it, and a page that was prerendered or opened in a background tab is a view from the
// moment that someone sees it, or never.
//
// A refusal is looked for before every send, so one made in another tab counts at once. It is a
// cookie and not an entry of localStorage as well: clearing cookies has to clear it.
//
// The bundle may have 1,000 bytes gzipped: hence one handler for all events, and few names.

type Properties = Record<string, string | number | boolean>;
type Call = [name: string, properties?: Properties | undefined];
type Fields = Record<string, string | number>;

interface Footfall {
  (...call: Call): void;
  /** What the page called before this script was there, kept by the one-line stub. */
  q?: Call[];
  optOut(): void;
  optIn(): void;
  optedOut(): boolean;
}

declare global {
  interface Window {
    footfall?: Footfall;
  }
  interface Navigator {
    globalPrivacyControl?: boolean;
  }
  interface Document {
    prerendering?: boolean;
  }
}

/** A report needs this much new time, or a part of the page that was not seen before. */
const REPORT_MS = 1000;
/** Thirteen months: no refusal is asked for again sooner. */
const REFUSAL_SECONDS = 34128000;
/** Events that wait for their page to be seen; more are left out. */
const WAITING_MAX = 50;

const {
  src,
  dataset: { site = location.hostname, api = 'b' },
} = document.currentScript as HTMLScriptElement;
/** Beside the script, whatever path that is served below; data-api is relative to it too. */
const endpoint = new URL(api, src);
const before = window.footfall;
const waiting = before?.q || [];

/** The path in sight; undefined before the first page is seen, empty when it has been left. */
let path: string | undefined;
/** Its address as it was counted; empty when it was not: then nothing else of it is sent either. */
let address = '';
/** Scheme and host of the page before this load; sent with its first view only. */
let referrer = document.referrer.split('/', 3).join('/');
/** Since when someone looks at it, or 0; and the milliseconds that are not reported yet. */
let since = 0;
let engaged = 0;
/** The lowest pixel seen, and the deepest percentage reported. */
let bottom = 0;
let reported = 0;

const optedOut = () =>
  /footfall_optout=[^0]/.test(document.cookie) ||
  navigator.globalPrivacyControl ||
  navigator.doNotTrack == '1';

// Nothing is read from an answer, so no-cors: the collector needs no CORS headers, and a page's
// console stays clean. The referrer policy makes the browser name the page's origin whatever the
// page's own policy is, and keeps the rest of its address out of the Referer header.
const send = (url: URL, fields: Fields) => {
  const body = new URLSearchParams(fields as Record<string, string>);
  'keepalive' in Request.prototype
    ? fetch(url, {
        method: 'POST',
        mode: 'no-cors',
        credentials: 'include',
        keepalive: true,
        referrerPolicy: 'origin',
        body,
      }).catch(() => {})
    : navigator.sendBeacon(url, body);
};

const beacon = (fields: Fields) => {
  if (address && !optedOut())
    send(endpoint, { s: site, u: address, w: innerWidth, ...fields });
};

/** Keeps the choice for this site, and tells the collector, whose own cookie then holds it too. */
const choose = (choice: string, seconds: number) => {
  document.cookie = `footfall_optout=1; Max-Age=${seconds}; Path=/; SameSite=Lax`;
  address = '';
  send(new URL('opt-out', endpoint), { choice });
};

const report = () => {
  // A page that bounces at its end gives a little over 100, which the collector takes as 100.
  const depth = Math.round((bottom / document.documentElement.scrollHeight) * 100);
  if (engaged >= REPORT_MS || depth > reported) {
    beacon({ n: 'engagement', t: engaged | 0, d: (reported = depth) });
    engaged = 0;
  }
};

const view = () => {
  path = location.pathname;
  // A query string leaves the browser when it may tell where a visit comes from, and else not.
  address = optedOut()
    ? ''
    : location.origin +
      path +
      (/utm_|ref=|source=|clid|braid/.test(location.search) ? location.search : '');
  engaged = bottom = reported = 0;
  beacon({ r: referrer });
  referrer = '';
  waiting.splice(0).map((call) => footfall(...call));
};

const change = (leaving?: boolean) => {
  const seen = !(leaving || document.hidden || document.prerendering);
  const same = location.pathname == path;
  const now = performance.now();
  engaged += since && now - since;
  since = seen && document.hasFocus() ? now : 0;
  bottom = Math.max(bottom, scrollY + innerHeight);
  if (!(seen && same)) {
    report();
    // Whoever comes back to a page that was left, from the cache, begins a new view.
    if (leaving) path = '';
    else if (seen) view();
  }
};

const footfall = (...[name, properties]: Call) => {
  if (path != null) beacon({ n: name, p: JSON.stringify(properties || {}) });
  else if (waiting.length < WAITING_MAX) waiting.push([name, properties]);
};

// A page that holds the snippet twice is still counted once.
if (!before?.optOut) {
  window.footfall = footfall;
  footfall.optOut = () => choose('out', REFUSAL_SECONDS);
  footfall.optIn = () => choose('in', 0);
  footfall.optedOut = optedOut;
  change();
  for (const name of ['pushState', 'replaceState'] as const) {
    const original = history[name];
    history[name] = (...call) => {
      original.apply(history, call);
      change();
    };
  }
  // Captured on the window, so that one list serves the events of the window and the document.
  for (const type of [
    'visibilitychange',
    'blur',
    'focus',
    'prerenderingchange',
    'pageshow',
    'scroll',
    'popstate',
    'pagehide',
  ])
    addEventListener(type, () => change(type == 'pagehide'), true);
}

export {};
