// The tracker in a real browser, against a collector that only writes down what it is told:
// `node tracker.mjs FOOTFALL_JS`.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { launch, pause, serve, skipWithoutChromium, until, withPlainChromium } from './lib.mjs';

skipWithoutChromium();

const tracker = readFileSync(process.argv[2]);
// Long enough for a beacon to arrive that should never have been sent.
const SETTLE_MS = 300;

let browser, collector, site;
/** What the collector got: beacons and choices, in order. */
let beacons = [];
let choices = [];
/** Each visit has a host of its own: a closing browser still sends while the next test runs. */
let visits = 0;
const origin = () => site.origin(`visit${visits}.localhost`);

const form = (text) => Object.fromEntries(new URLSearchParams(text));
const collected = (request) => ({ ...form(request.body), request });

function collectorAnswer(request) {
  if (request.path === '/footfall.js' || request.path === '/sub/path/footfall.js')
    return { headers: { 'content-type': 'text/javascript' }, body: tracker };
  if (request.method !== 'POST') return undefined;
  if (request.headers['origin'] !== origin()) return { status: 204 };
  if (request.path.endsWith('/opt-out')) choices.push(collected(request));
  else beacons.push(collected(request));
  return { status: 204 };
}

const page = (head, body = '') => ({
  headers: { 'content-type': 'text/html' },
  body: `<!doctype html><title>Test</title>${head}<body style="margin:0">
    <div style="height:4000px">${body}</div>`,
});
const snippet = (
  attributes = 'data-site="site.example"',
  path = '/footfall.js',
  host = 'localhost',
) => `<script defer src="${collector.origin(host)}${path}" ${attributes}></script>`;
const STUB = `<script>window.footfall = window.footfall ||
  function () { (footfall.q = footfall.q || []).push(arguments) };
  footfall('early', {plan: 'pro'})</script>`;

function siteAnswer({ path, headers }) {
  switch (path) {
    case '/favicon.ico':
      return undefined;
    case '/no-site':
      return page(snippet(''));
    case '/api':
      return page(snippet('data-api="/elsewhere/x"'));
    case '/sub':
      return page(snippet('data-site="site.example"', '/sub/path/footfall.js'));
    case '/same-site':
      return page(snippet('', '/footfall.js', new URL(origin()).hostname));
    case '/stub':
      return page(STUB + snippet());
    case '/twice':
      return page(snippet() + snippet());
    case '/no-referrer':
      return page('<meta name="referrer" content="no-referrer">' + snippet());
    case '/old-browser':
      return page('<script>delete Request.prototype.keepalive</script>' + snippet());
    case '/hidden':
      return page(
        `<script>let shown = false;
         Object.defineProperty(document, 'hidden', {get: () => !shown, configurable: true});
         function show(yes) { shown = yes; document.dispatchEvent(new Event('visibilitychange')) }
         </script>` + snippet(),
      );
    case '/prerenders':
      return page(
        `<script type="speculationrules">{"prerender":
         [{"source": "list", "urls": ["/prerendered"], "eagerness": "immediate"}]}</script>`,
        `<a id="go" href="/prerendered">go</a>
         <script>const wait = setInterval(async () => {
           if (await (await fetch('/go')).text() == 'go') { clearInterval(wait); go.click() }
         }, 100)</script>`,
      );
    case '/prerendered':
      prerenderedAs = headers['sec-purpose'] ?? '';
      return page(snippet() + `<script>addEventListener('load', () => fetch('/ready'))</script>`);
    case '/ready':
      prerenderedReady = true;
      return { body: '' };
    case '/go':
      return { body: prerenderedGo ? 'go' : '' };
    default:
      return page(snippet(), '<a id="next" href="/next">next</a>');
  }
}
let prerenderedAs, prerenderedReady, prerenderedGo;

const views = () => beacons.filter((beacon) => beacon.n === undefined);
const events = () => beacons.filter((beacon) => beacon.n && beacon.n !== 'engagement');
const reports = () => beacons.filter((beacon) => beacon.n === 'engagement');
const paths = () => views().map((beacon) => new URL(beacon.u).pathname);
const viewOf = (path) => until(`a view of ${path}`, () => paths().includes(path));
const reportOf = (path) =>
  until(`a report of ${path}`, () => reports().find((one) => one.u === origin() + path));

/** Runs `body` in a browser of its own visitor. */
async function visit(path, body, options = {}) {
  visits++;
  const context = await browser.newContext({ viewport: { width: 1000, height: 800 } });
  try {
    if (options.init) await context.addInitScript(options.init);
    if (options.cookie)
      await context.addCookies([{ name: 'footfall_optout', value: options.cookie, url: origin() }]);
    const tab = await context.newPage();
    await tab.goto(origin() + path, { referer: options.referer });
    await body(tab, context);
  } finally {
    await context.close();
  }
}

before(async () => {
  browser = await launch();
  collector = await serve(collectorAnswer);
  site = await serve(siteAnswer);
});
after(async () => {
  await browser.close();
  await Promise.all([collector.close(), site.close()]);
});
beforeEach(() => {
  beacons = [];
  choices = [];
});

// --- Views ---------------------------------------------------------------------------------------

test('a load is one view that says what the page is and no more', async () => {
  await visit('/a?token=secret#part', async () => {
    await viewOf('/a');
    await pause(SETTLE_MS);
    assert.equal(beacons.length, 1);
    const { request, ...fields } = beacons[0];
    assert.deepEqual(fields, { s: 'site.example', u: `${origin()}/a`, r: '', w: '1000' });
    assert.equal(request.path, '/b');
    assert.match(request.headers['content-type'], /^application\/x-www-form-urlencoded/);
    assert.equal(request.headers['origin'], origin());
    assert.equal(request.headers['referer'], `${origin()}/`);
  });
});

test('campaign tags are sent', async () => {
  await visit('/a?utm_source=letter&utm_medium=email', async () => {
    await viewOf('/a');
    assert.equal(views()[0].u, `${origin()}/a?utm_source=letter&utm_medium=email`);
  });
});

test('the referrer is a host, with the first view of a load only', async () => {
  const referer = 'http://search.example/results?q=private';
  await visit(
    '/a',
    async (tab) => {
      await viewOf('/a');
      await tab.evaluate(() => history.pushState(0, '', '/b'));
      await viewOf('/b');
      assert.deepEqual(
        views().map((beacon) => beacon.r),
        ['http://search.example', ''],
      );
    },
    { referer },
  );
});

test('each page of a site is one view', async () => {
  await visit('/a', async (tab) => {
    await tab.click('#next');
    await viewOf('/next');
    await tab.goto(`${origin()}/c`);
    await viewOf('/c');
    await tab.reload();
    await until('the reload', () => views().length === 4);
    await pause(SETTLE_MS);
    assert.deepEqual(paths(), ['/a', '/next', '/c', '/c']);
  });
});

test('the History API counts a view when the path changes and only then', async () => {
  await visit('/app', async (tab) => {
    await viewOf('/app');
    await tab.evaluate(() => {
      history.pushState(0, '', '/app/one');
      history.pushState(0, '', '/app/one?tab=2');
      history.pushState(0, '', '/app/one#part');
      history.replaceState(0, '', '/app/one');
      history.pushState(0, '');
    });
    await viewOf('/app/one');
    await tab.evaluate(() => {
      history.replaceState(0, '', '/app/two');
      location.hash = 'part';
    });
    await viewOf('/app/two');
    // Back over the two entries of /app/two, then over the three others of /app/one.
    await tab.evaluate(() => history.go(-2));
    await until('the way back', () => paths().length === 4);
    await tab.evaluate(() => history.go(-3));
    await until('the way back', () => paths().length === 5);
    await pause(SETTLE_MS);
    assert.deepEqual(paths(), ['/app', '/app/one', '/app/two', '/app/one', '/app']);
  });
});

test('a page that comes back from the back/forward cache is one more view', async () => {
  await visit('/a', async (tab) => {
    await tab.evaluate(() => (window.stillThere = true));
    await tab.goto(`${origin()}/b`);
    await viewOf('/b');
    await tab.evaluate(() => void setTimeout(() => history.back(), 0));
    await until('the page to return', () => paths().length === 3);
    await pause(SETTLE_MS);
    assert.equal(await tab.evaluate(() => window.stillThere), true, 'it came from the cache');
    assert.deepEqual(paths(), ['/a', '/b', '/a']);
  });
});

test('a tab opened in the background is a view when it is looked at first', async () => {
  await visit('/hidden', async (tab) => {
    await tab.evaluate(() => footfall('ready'));
    await tab.evaluate(() => history.replaceState(0, '', '/hidden/final'));
    await pause(SETTLE_MS);
    assert.equal(beacons.length, 0);
    await tab.evaluate(() => show(true));
    await viewOf('/hidden/final');
    await tab.evaluate(() => (show(false), show(true)));
    await pause(SETTLE_MS);
    assert.deepEqual(paths(), ['/hidden/final']);
    assert.deepEqual(events().map((beacon) => beacon.n), ['ready']);
  });
});

test('a prerendered page is a view when it is opened, as no prerender', async () => {
  prerenderedAs = prerenderedReady = prerenderedGo = undefined;
  visits++;
  await withPlainChromium(`${origin()}/prerenders`, async () => {
    await until('the prerendered page', () => prerenderedReady, 60_000); // with the start of a browser
    assert.match(prerenderedAs, /prerender/);
    await pause(SETTLE_MS);
    assert.equal(beacons.length, 0);
    prerenderedGo = true;
    await viewOf('/prerendered');
    await pause(SETTLE_MS);
    assert.deepEqual(paths(), ['/prerendered']);
    assert.equal(views()[0].request.headers['sec-purpose'], undefined);
  });
});

// --- The snippet ---------------------------------------------------------------------------------

test('a page that holds the snippet twice is counted once', async () => {
  await visit('/twice', async (tab) => {
    await viewOf('/twice');
    await tab.evaluate(() => history.pushState(0, '', '/twice/more'));
    await viewOf('/twice/more');
    await pause(SETTLE_MS);
    assert.deepEqual(paths(), ['/twice', '/twice/more']);
  });
});

test('without data-site the site is the host of the page', async () => {
  await visit('/no-site', async () => {
    await viewOf('/no-site');
    assert.equal(views()[0].s, new URL(origin()).hostname);
  });
});

test('the endpoint is beside the script, or what data-api says', async () => {
  await visit('/sub', () => viewOf('/sub'));
  await visit('/api', async (tab) => {
    await viewOf('/api');
    await tab.evaluate(() => footfall.optOut());
    await until('the choice', () => choices.length);
  });
  assert.deepEqual(
    views().map((beacon) => beacon.request.path),
    ['/sub/path/b', '/elsewhere/x'],
  );
  assert.equal(choices[0].request.path, '/elsewhere/opt-out');
});

test('a page that hides its address from others is still known by its origin', async () => {
  await visit('/no-referrer', async () => {
    await viewOf('/no-referrer');
    assert.equal(views()[0].request.headers['origin'], origin());
    // What tells an empty Origin from this one in browsers that follow the page's policy.
    assert.equal(views()[0].request.headers['referer'], `${origin()}/`);
  });
});

test('a beacon outlives its page, and takes the collector’s own cookie along', async () => {
  const init = () => {
    const send = window.fetch;
    window.fetch = (url, options) => {
      document.title = `keepalive: ${options.keepalive}`;
      return send(url, options);
    };
  };
  await visit(
    '/same-site',
    async (tab, context) => {
      assert.equal(await tab.title(), 'keepalive: true');
      await context.addCookies([{ name: 'of_the_collector', value: '1', url: origin() }]);
      await tab.evaluate(() => footfall('event'));
      await until('the event', () => events().length);
      assert.equal(events()[0].request.headers['cookie'], 'of_the_collector=1');
    },
    { init },
  );
});

test('a browser whose fetch cannot outlive the page uses sendBeacon', async () => {
  await visit('/old-browser', async (tab) => {
    await viewOf('/old-browser');
    await tab.evaluate(() => scrollTo(0, 2000));
    await tab.goto('about:blank');
    await reportOf('/old-browser');
    assert.match(views()[0].request.headers['content-type'], /^application\/x-www-form-urlencoded/);
  });
});

// --- Events --------------------------------------------------------------------------------------

test('an event has its name, its properties and its page', async () => {
  await visit('/a', async (tab) => {
    await tab.evaluate(() => footfall('signup', { plan: 'pro', seats: 3 }));
    await tab.evaluate(() => footfall('bare'));
    await until('two events', () => events().length === 2);
    await viewOf('/a');
    const [signup, bare] = ['signup', 'bare'].map((name) => events().find((one) => one.n === name));
    assert.deepEqual(JSON.parse(signup.p), { plan: 'pro', seats: 3 });
    assert.equal(signup.u, `${origin()}/a`);
    assert.deepEqual(JSON.parse(bare.p), {});
    assert.equal(views().length, 1);
  });
});

test('a page that is not seen yet keeps its first 50 events', async () => {
  for (const [calls, kept] of [
    [49, 49],
    [50, 50],
    [51, 50],
  ]) {
    beacons = [];
    await visit('/hidden', async (tab) => {
      await tab.evaluate((count) => {
        for (let i = 1; i <= count; i++) footfall('event ' + i);
        show(true);
      }, calls);
      await until(`${kept} events`, () => events().length >= kept);
      await pause(SETTLE_MS);
      assert.equal(events().length, kept);
    });
  }
});

test('calls made before the script has loaded are honoured', async () => {
  await visit('/stub', async () => {
    await until('the early event', () => events().length === 1);
    await viewOf('/stub');
    assert.deepEqual(JSON.parse(events()[0].p), { plan: 'pro' });
    assert.deepEqual(paths(), ['/stub']);
  });
});

// --- Time and depth ------------------------------------------------------------------------------

test('leaving a page reports the time it was looked at and the deepest point', async () => {
  const began = performance.now();
  await visit('/a', async (tab) => {
    await viewOf('/a');
    await tab.evaluate(() => scrollTo(0, 1600));
    await pause(1500);
    await tab.evaluate(() => scrollTo(0, 0));
    await tab.goto(`${origin()}/b`);
    const report = await reportOf('/a');
    assert.equal(report.d, '60', '1600 + 800 of 4000 pixels');
    assert.ok(report.t >= 1400 && report.t <= performance.now() - began, `${report.t} ms`);
    assert.match(report.t, /^\d+$/);
    await pause(SETTLE_MS);
    assert.equal(reports().length, 1);
  });
});

test('a view of a single-page application is reported before the next one', async () => {
  const began = performance.now();
  await visit('/app', async (tab) => {
    await tab.evaluate(() => scrollTo(0, 800));
    await pause(1200);
    await tab.evaluate(() => history.pushState(0, '', '/app/one'));
    await viewOf('/app/one');
    const report = await reportOf('/app');
    assert.equal(report.d, '40');
    assert.ok(report.t >= 1100 && report.t <= performance.now() - began, `${report.t} ms`);
    assert.equal(beacons.length, 3);
  });
});

test('time counts only while the page is visible and has the focus', async () => {
  const began = performance.now();
  await visit('/a', async (tab, context) => {
    const devtools = await context.newCDPSession(tab);
    await devtools.send('Emulation.setFocusEmulationEnabled', { enabled: false });
    await tab.bringToFront();
    const other = await context.newPage();
    await other.bringToFront();
    await until('the focus to leave', () => tab.evaluate(() => !document.hasFocus()));
    const looked = performance.now() - began;
    await pause(1500);
    await tab.goto(`${origin()}/b`);
    assert.ok((await reportOf('/a')).t <= looked, `${reports()[0].t} ms of ${looked}`);
  });
});

test('hiding a page again reports only what is new', async () => {
  await visit('/hidden', async (tab) => {
    await tab.evaluate(() => show(true));
    await tab.evaluate(() => show(false));
    await until('the first report', () => reports().length === 1);
    await tab.evaluate(() => (show(true), show(false)));
    await pause(SETTLE_MS);
    assert.equal(reports().length, 1, 'nothing new, nothing sent');
    const shown = performance.now();
    await tab.evaluate(() => show(true));
    await pause(1100);
    await tab.evaluate(() => show(false));
    await until('the second report', () => reports().length === 2);
    assert.ok(reports()[1].t >= 1000 && reports()[1].t <= performance.now() - shown, `${reports()[1].t} ms`);
    assert.equal(reports()[1].d, reports()[0].d);
  });
});

// --- Refusals ------------------------------------------------------------------------------------

const REFUSALS = {
  'Global Privacy Control': {
    init: () => Object.defineProperty(navigator, 'globalPrivacyControl', { value: true }),
  },
  'Do Not Track': { init: () => Object.defineProperty(navigator, 'doNotTrack', { value: '1' }) },
  'a cookie of ours': { cookie: '1' },
  'a cookie with another value': { cookie: 'yes' },
};

for (const [name, options] of Object.entries(REFUSALS)) {
  test(`nothing is sent for a visitor with ${name}`, async () => {
    await visit(
      '/stub',
      async (tab) => {
        assert.equal(await tab.evaluate(() => footfall.optedOut()), true);
        await tab.evaluate(() => {
          footfall('event');
          history.pushState(0, '', '/other');
          scrollTo(0, 2000);
        });
        await pause(1100);
        await tab.goto('about:blank');
        await pause(SETTLE_MS);
        assert.equal(beacons.length, 0);
      },
      options,
    );
  });
}

test('signals that say no refusal count', async () => {
  const init = () => {
    Object.defineProperty(navigator, 'globalPrivacyControl', { value: false });
    Object.defineProperty(navigator, 'doNotTrack', { value: '0' });
  };
  await visit(
    '/a',
    async (tab) => {
      await viewOf('/a');
      assert.equal(await tab.evaluate(() => footfall.optedOut()), false);
    },
    { init, cookie: '0' },
  );
});

test('opting out holds at once, on later pages, and is told to the collector', async () => {
  await visit('/a', async (tab, context) => {
    await viewOf('/a');
    await tab.evaluate(() => (scrollTo(0, 2000), footfall.optOut()));
    assert.equal(await tab.evaluate(() => footfall.optedOut()), true);
    await until('the choice', () => choices.length === 1);
    assert.equal(choices[0].choice, 'out');
    assert.equal(choices[0].request.path, '/opt-out');
    assert.equal(choices[0].request.headers['origin'], origin());
    await tab.evaluate(() => footfall('event'));
    await tab.goto(`${origin()}/b`);
    await pause(SETTLE_MS);
    assert.deepEqual(paths(), ['/a']);
    assert.equal(beacons.length, 1, 'neither the event nor the time');
    const [cookie, ...others] = await context.cookies(origin());
    assert.deepEqual(others, []);
    assert.equal(cookie.name, 'footfall_optout');
    assert.equal(cookie.value, '1');
    assert.equal(cookie.path, '/');
    assert.equal(cookie.sameSite, 'Lax');
    const days = (cookie.expires - Date.now() / 1000) / 86400;
    assert.ok(days > 394 && days < 396, `${days} days`);
  });
});

test('opting in again counts from the next page on', async () => {
  await visit(
    '/a',
    async (tab, context) => {
      await tab.evaluate(() => footfall.optIn());
      assert.equal(await tab.evaluate(() => footfall.optedOut()), false);
      await until('the choice', () => choices.length === 1);
      assert.equal(choices[0].choice, 'in');
      assert.deepEqual(await context.cookies(origin()), []);
      await tab.goto(`${origin()}/b`);
      await viewOf('/b');
      await pause(SETTLE_MS);
      assert.equal(beacons.length, 1, 'nothing of the page that was seen under the refusal');
    },
    { cookie: '1' },
  );
});

test('a page that was seen under a refusal is never reported', async () => {
  await visit(
    '/a',
    async (tab, context) => {
      await tab.evaluate(() => scrollTo(0, 2000));
      await context.clearCookies();
      await tab.evaluate(() => footfall('event'));
      await tab.goto(`${origin()}/b`);
      await viewOf('/b');
      await pause(SETTLE_MS);
      assert.equal(beacons.length, 1);
    },
    { cookie: '1' },
  );
});

test('a page on which somebody opted out and in is reported no more', async () => {
  await visit('/a', async (tab) => {
    await viewOf('/a');
    await tab.evaluate(() => (footfall.optOut(), scrollTo(0, 2000)));
    await pause(1100);
    await tab.evaluate(() => (footfall.optIn(), footfall('event')));
    await tab.goto(`${origin()}/b`);
    await viewOf('/b');
    await pause(SETTLE_MS);
    assert.deepEqual(paths(), ['/a', '/b']);
    assert.equal(beacons.length, 2);
  });
});

test('clearing cookies clears the refusal', async () => {
  await visit('/a', async (tab, context) => {
    await viewOf('/a');
    await tab.evaluate(() => footfall.optOut());
    await context.clearCookies();
    await tab.goto(`${origin()}/b`);
    await viewOf('/b');
  });
});

test('a refusal made in another tab holds here at once', async () => {
  await visit('/a', async (tab, context) => {
    await viewOf('/a');
    const other = await context.newPage();
    await other.goto(`${origin()}/b`);
    await viewOf('/b');
    await other.evaluate(() => footfall.optOut());
    await tab.evaluate(() => (footfall('event'), scrollTo(0, 2000)));
    await tab.evaluate(() => history.pushState(0, '', '/c'));
    await tab.evaluate(() => footfall('event'));
    await pause(SETTLE_MS);
    assert.deepEqual(paths(), ['/a', '/b']);
    assert.equal(events().length + reports().length, 0);
  });
});

test('nothing is stored on the device but a refusal', async () => {
  await visit('/a', async (tab, context) => {
    await viewOf('/a');
    await tab.evaluate(() => footfall('event'));
    await tab.evaluate(() => history.pushState(0, '', '/b'));
    await tab.goto(`${origin()}/c`);
    await viewOf('/c');
    const stored = () =>
      tab.evaluate(async () => ({
        local: { ...localStorage },
        session: { ...sessionStorage },
        databases: await indexedDB.databases(),
      }));
    const nothing = { local: {}, session: {}, databases: [] };
    assert.deepEqual(await stored(), nothing);
    assert.deepEqual(await context.cookies(), []);
    await tab.evaluate(() => footfall.optOut());
    assert.deepEqual(await stored(), nothing);
    assert.deepEqual((await context.cookies()).map((cookie) => cookie.name), ['footfall_optout']);
  });
});

test('a collector that cannot be reached disturbs no page', async () => {
  await visit('/api-down', async (tab) => {
    const errors = [];
    tab.on('pageerror', (error) => errors.push(error));
    await viewOf('/api-down');
    await tab.route('**/b', (route) => route.abort());
    await tab.evaluate(() => {
      footfall('event');
      history.pushState(0, '', '/next');
    });
    await pause(SETTLE_MS);
    assert.deepEqual(errors, []);
  });
});
