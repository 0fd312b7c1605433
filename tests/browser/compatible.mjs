// Plausible's own clients in a real Chromium count at a whole Footfall: @plausible-analytics/tracker,
// and plausible-tracker, which is older and still about. Each walks a known way; every beacon is
// answered as their server would, and the counts are exactly that.
//   node compatible.mjs   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Footfall } from '../e2e/harness.mjs';
import { becomes, launch, pause, serve, skipWithoutChromium, until } from './lib.mjs';

skipWithoutChromium();

const NEW = 'new.localhost';
const OLD = 'old.localhost';
const LATE_MS = 400; // for what must not come
const READ_MS = 3200; // the client reports time from three seconds on
const USER_AGENT = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';

/** What a site would write, with the client from its package. The browser says that it is steered. */
const SCRIPTS = {
  [NEW]: (collector) => `
    import { init, track } from '@plausible-analytics/tracker';
    window.__plausible = true;
    init({ domain: '${NEW}', endpoint: 'http://127.0.0.1:${collector}/api/event', hashBasedRouting: true, outboundLinks: true,
      customProperties: { theme: 'dark' } });
    window.track = (name, options) => new Promise((resolve) => track(name, { ...options, callback: resolve }));`,
  [OLD]: (collector) => `
    import Plausible from 'plausible-tracker';
    const client = Plausible({ domain: '${OLD}', apiHost: 'http://127.0.0.1:${collector}', trackLocalhost: true });
    client.enableAutoPageviews();
    window.track = (name, props) => new Promise((resolve) => client.trackEvent(name, { props, callback: resolve }));`,
};

let browser, footfall, sites, scripts;
before(async () => {
  footfall = await Footfall.start({ FOOTFALL_HTTP_TRUSTED_PROXIES: '' });
  for (const site of [NEW, OLD]) await footfall.addSite(site);
  const bundle = async (site) => {
    const stdin = { contents: SCRIPTS[site](footfall.collector), resolveDir: fileURLToPath(new URL('.', import.meta.url)) };
    const { outputFiles } = await build({ stdin, bundle: true, write: false, format: 'iife' });
    return outputFiles[0].text;
  };
  scripts = { [NEW]: await bundle(NEW), [OLD]: await bundle(OLD) };
  sites = await serve(({ path, headers }) => {
    const site = headers.host.split(':')[0];
    if (path === '/client.js') return { headers: { 'content-type': 'text/javascript' }, body: scripts[site] };
    if (path === '/favicon.ico') return undefined;
    return {
      headers: { 'content-type': 'text/html' },
      body: `<!doctype html><title>Site</title><script defer src="/client.js"></script><p style="height:3000px">Text</p>
        <a id="out" href="http://elsewhere.localhost:1/x?token=secret#f" target="_blank">out</a>`,
    };
  });
  browser = await launch(`--user-agent=${USER_AGENT}`);
});
after(async () => {
  await browser?.close();
  await sites?.close();
  assert.deepEqual(await footfall?.stop(), { code: 0, signal: null });
});

/** Runs `walk(page, counted, names)` as somebody new; `counted(names)` waits for beacons of these names. */
async function asVisitor(walk) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const names = [];
  const answers = [];
  page.on('response', async (response) => {
    if (response.request().method() !== 'POST' || !response.url().endsWith('/api/event')) return;
    names.push(JSON.parse(response.request().postData()).n);
    answers.push([response.status(), response.headers()['x-plausible-dropped'], await response.text().catch(() => 'ok')].join(' '));
  });
  const counted = (...expected) =>
    until(`beacons ${expected}`, () => names.length === expected.length)
      .catch((error) => assert.fail(`${error.message} There were ${names}.`))
      .then(() => assert.deepEqual([...names].sort(), [...expected].sort()));
  try {
    await walk(page, counted, names);
    await pause(LATE_MS);
    for (const answer of answers) assert.equal(answer, '202  ok');
    return names;
  } finally {
    await context.close();
  }
}

test('@plausible-analytics/tracker', async () => {
  await asVisitor(async (page, counted, names) => {
    await page.goto(`${sites.origin(NEW)}/app?utm_source=letter&secret=1#/inbox`);
    await counted('pageview');
    await page.evaluate(() => scrollTo(0, 1e6));
    await pause(READ_MS);
    await page.evaluate(() => (location.hash = '#/sent'));
    await counted('pageview', 'engagement', 'pageview');
    assert.deepEqual(await page.evaluate(() => track('Autoplay', { interactive: false })), { status: 202 });
    assert.deepEqual(await page.evaluate(() => track('Buy', { props: { plan: 'pro' }, revenue: { currency: 'EUR', amount: 9.95 } })), { status: 202 });
    await page.click('#out');
    await until('the click', () => names.includes('Outbound Link: Click'));
    // How long it was read after the second view decides whether it tells that, too.
    assert.deepEqual(names.filter((name) => name !== 'engagement').sort(), ['Autoplay', 'Buy', 'Outbound Link: Click', 'pageview', 'pageview']);
  });
  await becomes('views', () => footfall.by(NEW, 'event:page', 'pageviews'), { '/app#/inbox': 1, '/app#/sent': 1 });
  await becomes('events', () => footfall.by(NEW, 'event:goal', 'events'), { Autoplay: 1, Buy: 1, 'Outbound Link: Click': 1 });
  await becomes('links', () => footfall.by(NEW, 'event:props:url', 'events'), { 'http://elsewhere.localhost:1/x': 1 });
  await becomes('properties', () => footfall.by(NEW, 'event:props:theme', 'events'), { dark: 3 });
  await becomes('sources', () => footfall.by(NEW, 'visit:source', 'visits'), { letter: 1 });
  await footfall.settle();
  const [depth, seconds] = (await footfall.by(NEW, 'event:page', 'scroll_depth', 'time_on_page'))['/app#/inbox'];
  assert.equal(depth, 100);
  assert.ok(seconds >= 3, `${seconds} s`);
});

test('plausible-tracker', async () => {
  await asVisitor(async (page, counted) => {
    await page.goto(`${sites.origin(OLD)}/?secret=1`);
    await counted('pageview');
    await page.evaluate(() => history.pushState(null, '', '/about'));
    await counted('pageview', 'pageview');
    await page.evaluate(() => track('Signup', { plan: 'pro', seats: 5 }));
    await counted('pageview', 'pageview', 'Signup');
  });
  await becomes('views', () => footfall.by(OLD, 'event:page', 'pageviews'), { '/': 1, '/about': 1 });
  await becomes('events', () => footfall.by(OLD, 'event:goal', 'events'), { Signup: 1 });
  await becomes('properties', () => footfall.by(OLD, 'event:props:seats', 'events'), { 5: 1 });
  await becomes('totals', () => footfall.totals(OLD), { visitors: 1, visits: 1, pageviews: 2, bounce_rate: 0 });
  // It tells the window's width.
  await becomes('screens', () => footfall.by(OLD, 'visit:screen', 'visits'), { Laptop: 1 });
});

test('who refused is not counted by them either', async () => {
  const context = await browser.newContext({ extraHTTPHeaders: { 'sec-gpc': '1' } });
  try {
    const page = await context.newPage();
    const answered = page.waitForResponse((response) => response.url().endsWith('/api/event') && response.request().method() === 'POST');
    await page.goto(`${sites.origin(OLD)}/refused`);
    assert.equal((await answered).status(), 202);
    await footfall.settle();
    assert.equal((await footfall.totals(OLD)).pageviews, 2);
  } finally {
    await context.close();
  }
});
