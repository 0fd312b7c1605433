// A page view goes from a browser to a dashboard: a real Chromium, the real tracker, a whole Footfall.
//   node e2e.mjs [SCREENSHOTS]   with FOOTFALL set to the executable
// Three visitors walk known ways through a site of many pages and through one of a single page, on
// loopback hosts below .localhost; the query API and the dashboard then tell exactly that. They all
// come from one address, so they differ in their User-Agents. The collector is a host of the counted
// site, as the documents advise, so that its cookie is sent along.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Footfall, noonTimezone } from '../e2e/harness.mjs';
import { launch, pause, serve, skipWithoutChromium, until } from './lib.mjs';

skipWithoutChromium();

const SCREENSHOTS = process.argv[2];
const SHOP = 'shop.localhost'; // many pages
const APP = 'app.localhost'; // one page
const NEW_SITES = ['new.localhost', 'newer.localhost']; // nobody has been there yet
const NEWS = 'news.localhost'; // counted by nobody, links to both
const LIVE_MS = process.env.SLOW ? 6_000 : 2_000; // a sanitizer takes its time
const LATE_MS = 400; // for what must not come

const [CHROME, FIREFOX, PHONE] = [0, 1, 2];
const USER_AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
];

// Each is a browser of its own: what is emulated in a context gets lost when a page is left, and a
// page's last report would come from a headless browser, which is a bot.
let browsers;
before(async () => {
  browsers = await Promise.all(USER_AGENTS.map((userAgent) => launch(`--user-agent=${userAgent}`)));
});
after(() => Promise.all(browsers.map((browser) => browser.close())));

// --- The sites ---------------------------------------------------------------------------------------

const html = (body) => ({ headers: { 'content-type': 'text/html' }, body: `<!doctype html><title>Site</title>${body}` });
const links = (...paths) => paths.map((path) => `<a href="${path}">${path}</a> `).join('');
const SPA = `<script>
  addEventListener('click', (event) => {
    if (!event.target.dataset.push) return;
    history.pushState(null, '', event.target.dataset.push);
  });
</script><button data-push="/inbox">/inbox</button> <button data-push="/inbox/settings">/inbox/settings</button>`;

function siteAnswer(collector) {
  const snippet = (site) => `<script defer src="http://stats.${SHOP}:${collector}/footfall.js" data-site="${site}"></script>`;
  return ({ path, headers }) => {
    const [host, port] = headers.host.split(':');
    if (path === '/favicon.ico') return undefined;
    if (host === NEWS) return html(links(`http://${SHOP}:${port}/`, `http://${APP}:${port}/`));
    if (host === APP) return html(snippet(APP) + SPA);
    if (NEW_SITES.includes(host)) return html(snippet(host));
    return html(snippet(SHOP) + links('/', '/products', '/products/lamp', '/about'));
  };
}

/** A whole Footfall with the sites that it counts: body({footfall, sites, origin, collector}). */
async function withSites(env, body) {
  const footfall = await Footfall.start({ FOOTFALL_HTTP_TRUSTED_PROXIES: '', FOOTFALL_HTTP_CLOSE_AFTER_BODY: 'auto', ...env });
  const sites = await serve(siteAnswer(footfall.collector));
  try {
    for (const site of [SHOP, APP]) await footfall.addSite(site);
    const origin = (host) => sites.origin(host);
    await body({ footfall, origin, collector: `http://stats.${SHOP}:${footfall.collector}` });
  } catch (error) {
    console.log(footfall.logs());
    throw error;
  } finally {
    await sites.close();
    assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
  }
}

// --- Visitors ------------------------------------------------------------------------------------------

/** Runs `walk(page)` in a context of its own: somebody with empty pockets. */
async function asVisitor(who, walk, options = {}) {
  const context = await browsers[who].newContext(options);
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    await walk(page);
    // What a page sends when it is left must not meet a context that has lost its cookies already.
    await page.goto('about:blank');
    await pause(LATE_MS);
  } finally {
    await context.close();
  }
}

/** Does something that makes a view, and waits until the collector has answered its beacon. */
async function viewing(page, action) {
  const isView = (request) => request.method() === 'POST' && request.url().endsWith('/b') && !/(^|&)n=/.test(request.postData());
  await Promise.all([page.waitForEvent('response', (response) => isView(response.request())), action()]);
}

const follow = (page, text) => viewing(page, () => page.click(`text="${text}"`));

async function walkAll(origin) {
  // Many pages: from a link elsewhere, by a letter, and by heart, with the back button.
  await asVisitor(CHROME, async (page) => {
    await page.goto(origin(NEWS));
    await follow(page, `${origin(SHOP)}/`);
    await follow(page, '/products');
    await follow(page, '/products/lamp');
  });
  await asVisitor(FIREFOX, (page) => viewing(page, () => page.goto(`${origin(SHOP)}/?utm_source=letter&utm_medium=email&token=secret`)));
  await asVisitor(PHONE, async (page) => {
    await viewing(page, () => page.goto(`${origin(SHOP)}/products`));
    await follow(page, '/about');
    await viewing(page, () => page.goBack({ waitUntil: 'commit' }));
  });
  // One page: views without a load, and back.
  await asVisitor(CHROME, async (page) => {
    await viewing(page, () => page.goto(`${origin(APP)}/`));
    await follow(page, '/inbox');
    await follow(page, '/inbox/settings');
    await viewing(page, () => page.goBack({ waitUntil: 'commit' }));
  });
  await asVisitor(FIREFOX, async (page) => {
    await page.goto(origin(NEWS));
    await follow(page, `${origin(APP)}/`);
  });
  await asVisitor(PHONE, async (page) => {
    await viewing(page, () => page.goto(`${origin(APP)}/inbox?ref=partner.example#top`));
    await follow(page, '/inbox/settings');
  });
}

/** What these walks are. */
const EXPECTED = {
  [SHOP]: {
    totals: { visitors: 3, visits: 3, pageviews: 7, bounce_rate: 33 },
    pages: { '/': 2, '/products': 3, '/products/lamp': 1, '/about': 1 },
    entries: { '/': 2, '/products': 1 },
    exits: { '/products/lamp': 1, '/': 1, '/products': 1 },
    sources: { [NEWS]: 1, letter: 1, 'Direct / None': 1 },
  },
  [APP]: {
    totals: { visitors: 3, visits: 3, pageviews: 7, bounce_rate: 33 },
    pages: { '/': 2, '/inbox': 3, '/inbox/settings': 2 },
    entries: { '/': 2, '/inbox': 1 },
    exits: { '/inbox': 1, '/': 1, '/inbox/settings': 1 },
    sources: { 'Direct / None': 1, [NEWS]: 1, 'partner.example': 1 },
  },
};

async function whatIsTold(footfall, site) {
  return {
    totals: await footfall.totals(site),
    pages: await footfall.by(site, 'event:page', 'pageviews'),
    entries: await footfall.by(site, 'visit:entry_page', 'visits'),
    exits: await footfall.by(site, 'visit:exit_page', 'visits'),
    sources: await footfall.by(site, 'visit:source', 'visits'),
  };
}

// --- The dashboard ---------------------------------------------------------------------------------------

async function onDashboard(footfall, path, body, options = { viewport: { width: 1280, height: 1000 } }) {
  const context = await browsers[CHROME].newContext(options);
  const complaints = [];
  try {
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(`http://127.0.0.1:${footfall.dashboards}${path}`);
    await body(page);
  } finally {
    await context.close();
  }
  assert.deepEqual(complaints, []);
}

const number = async (page, metric) =>
  Number((await page.getAttribute(`[data-metric=${metric}]`, 'title')).replaceAll(/[,%]/g, ''));

const shows = (page, metric, value) => until(`${value} ${metric}`, async () => (await number(page, metric)) === value);

/** The rows of a panel as they stand there. */
const rowsOf = (page, panel) =>
  page.locator(`#panel-${panel} tbody tr`).evaluateAll((rows) =>
    Object.fromEntries(rows.map((row) => [row.querySelector('.name').textContent, row.querySelector('td').textContent])));

async function shoot(page, name) {
  if (!SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `e2e-${name}.png`), fullPage: true });
}

/** Of what is watched several times the quickest counts: a machine may stall. */
function assertLive(times, what) {
  console.log(`${what} showed after ${times.join(', ')} ms`);
  assert.ok(Math.min(...times) < LIVE_MS, `${what}: ${times} ms`);
}

const inDigits = (counts) => Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)]));

// --- Tests -------------------------------------------------------------------------------------------------

for (const views of ['1', '10'])
  test(`three visitors on two sites, with views mixed by ${views}`, async () => {
    await withSites({ FOOTFALL_MIX_VIEWS: views, FOOTFALL_MIX_SECONDS: '60' }, async ({ footfall, origin }) => {
      await walkAll(origin);
      for (const site of [SHOP, APP]) {
        let told;
        await until(`the views of ${site}`, async () => {
          told = await whatIsTold(footfall, site);
          return told.totals.pageviews === EXPECTED[site].totals.pageviews;
        }).catch(() => {});
        assert.deepEqual(told, EXPECTED[site], site);
      }
      await onDashboard(footfall, `/${SHOP}?period=today`, async (page) => {
        for (const [metric, value] of Object.entries(EXPECTED[SHOP].totals)) await shows(page, metric, value);
        await until('the pages', async () => Object.keys(await rowsOf(page, 'pages')).length === 4);
        assert.deepEqual(Object.keys(await rowsOf(page, 'pages')).sort(), Object.keys(EXPECTED[SHOP].pages).sort());
        await until('the sources', async () => Object.keys(await rowsOf(page, 'sources')).length > 0);
        assert.deepEqual(await rowsOf(page, 'sources'), inDigits(EXPECTED[SHOP].sources));
        await until('the visits that are active', async () => (await page.locator('[data-live=active]').textContent()) === '3');
        await shoot(page, `shop-mixed-${views}`);
      });
      await onDashboard(footfall, `/${APP}?period=today&pages=exit`, async (page) => {
        for (const [metric, value] of Object.entries(EXPECTED[APP].totals)) await shows(page, metric, value);
        await until('exit pages', async () => Object.keys(await rowsOf(page, 'pages')).length === 3);
        assert.deepEqual(await rowsOf(page, 'pages'), inDigits(EXPECTED[APP].exits));
        await shoot(page, `app-mixed-${views}`);
      }, { viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    });
  });

test('an open dashboard moves within two seconds of a click, and of the first view of all', async () => {
  await withSites({ FOOTFALL_MIX_VIEWS: '10', FOOTFALL_MIX_SECONDS: '60' }, async ({ footfall, origin }) => {
    const firsts = [];
    for (const site of NEW_SITES) {
      const added = footfall.command('site', 'add', site, '--data', footfall.data, '--timezone', noonTimezone());
      assert.equal(added.code, 0, added.error);
      assert.ok(added.out.includes(`http://127.0.0.1:${footfall.collector}/footfall.js`), added.out);
      await onDashboard(footfall, `/${site}`, async (dashboard) => {
        await dashboard.waitForSelector('text=Waiting for the first page view');
        await asVisitor(CHROME, async (page) => {
          await viewing(page, () => page.goto(`${origin(site)}/hello`));
          const start = performance.now();
          await dashboard.waitForSelector('[data-metric=pageviews][title="1"]');
          firsts.push(Math.round(performance.now() - start));
          await dashboard.waitForSelector('#panel-pages .name:has-text("/hello")');
        });
      });
    }
    assertLive(firsts, 'the first view');
    const clicks = [];
    await onDashboard(footfall, '/demo.localhost?period=today', async (dashboard) => {
      await asVisitor(FIREFOX, async (page) => {
        await viewing(page, () => page.goto(`http://127.0.0.1:${footfall.collector}/demo/`));
        await dashboard.waitForSelector('[data-metric=pageviews]');
        for (const [at, link] of ['The shelf', 'Journal', 'Visit'].entries()) {
          await shows(dashboard, 'pageviews', at + 1);
          await viewing(page, () => page.click(`nav >> text="${link}"`));
          const start = performance.now();
          await shows(dashboard, 'pageviews', at + 2);
          clicks.push(Math.round(performance.now() - start));
        }
        await shoot(page, 'demo-site');
      });
      await shoot(dashboard, 'demo');
    });
    assertLive(clicks, 'a click');
  });
});

test('who has opted out changes no byte of Redis', async () => {
  await withSites({}, async ({ footfall, origin, collector }) => {
    await asVisitor(CHROME, (page) => viewing(page, () => page.goto(`${origin(SHOP)}/`)));
    await pause(3000);
    await footfall.settle();
    const before = await footfall.photograph();
    const walk = async (page) => {
      for (const path of ['/', '/products', '/about']) {
        await page.goto(`${origin(SHOP)}${path}`);
        await page.evaluate(() => window.footfall('signup', { plan: 'pro' }));
        await pause(LATE_MS);
      }
      await page.goto(`${origin(APP)}/`);
      await page.click('text="/inbox"');
    };
    await asVisitor(FIREFOX, async (page) => {
      await page.goto(`${collector}/opt-out`);
      await shoot(page, 'opt-out-before');
      await page.click('button');
      await shoot(page, 'opt-out-after');
      const state = await page.goto(`${collector}/opt-out/state`);
      assert.deepEqual(await state.json(), { opted_out: true, by: 'cookie' });
      for (const path of ['/', '/products', '/about']) {
        await page.goto(`${origin(SHOP)}${path}`);
        await page.evaluate(() => window.footfall('signup', { plan: 'pro' }));
        await pause(LATE_MS);
      }
    });
    const gpc = { extraHTTPHeaders: { 'Sec-GPC': '1' } };
    await asVisitor(FIREFOX, async (page) => {
      await page.addInitScript(() => Object.defineProperty(navigator, 'globalPrivacyControl', { value: true }));
      await walk(page);
    }, gpc);
    await asVisitor(PHONE, async (page) => {
      await page.addInitScript(() => (document.cookie = 'footfall_optout=1; path=/'));
      await walk(page);
    });
    await pause(3000);
    await footfall.settle();
    const after = await footfall.photograph();
    for (const [key, bytes] of Object.entries(after.keys)) assert.equal(bytes, before.keys[key], key);
    assert.deepEqual(after, before);
    // The same walk of a visitor who has not refused does change it.
    await asVisitor(FIREFOX, walk);
    await until('another photograph', async () => JSON.stringify(await footfall.photograph()) !== JSON.stringify(before));
    await footfall.settle();
    assert.equal((await footfall.totals(SHOP)).pageviews, 4);
  });
});
