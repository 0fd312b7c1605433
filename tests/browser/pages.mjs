// The opt-out page and the demo site in a real browser: `node pages.mjs EDGE_SERVER SCREENSHOTS`.
// Screenshots are left in the folder, for people to look at.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { request as forward } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, pause, serve, skipWithoutChromium, until } from './lib.mjs';

skipWithoutChromium();

const [edgeServer, screenshots] = process.argv.slice(2);
const PHONE = { viewport: { width: 375, height: 720 }, deviceScaleFactor: 2, isMobile: true };
const DESKTOP = { viewport: { width: 1100, height: 800 } };

let browser, edge, port;

/** The collector's pages, counting for the sites named; its port is its first line. */
async function startEdge() {
  edge = spawn(edgeServer, ['demo.localhost', 'site.localhost'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  port = Number(await new Promise((resolve) => edge.stdout.once('data', resolve)));
}

/** A front that ends TLS, as far as the collector can tell: it hands requests on and says so. */
async function startFront() {
  return serve(
    ({ method, url, headers, body }) =>
      new Promise((resolve, reject) => {
        const options = {
          port,
          host: '127.0.0.1',
          path: url,
          method,
          headers: { ...headers, 'x-forwarded-proto': 'https' },
        };
        const handed = forward(options, async (answer) => {
          const chunks = [];
          for await (const chunk of answer) chunks.push(chunk);
          resolve({
            status: answer.statusCode,
            headers: answer.headers,
            body: Buffer.concat(chunks),
          });
        });
        handed.once('error', reject).end(body);
      }),
  );
}

/** Runs `body` in a browser of its own; anything that a page complains of fails the test. */
async function visit(path, body, options = DESKTOP) {
  const context = await browser.newContext(options);
  try {
    const tab = await context.newPage();
    const complaints = [];
    tab.on('console', (message) => complaints.push(message.text()));
    tab.on('pageerror', (error) => complaints.push(String(error)));
    await tab.goto(`http://localhost:${port}${path}`);
    await body(tab, context);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

const shoot = (tab, name) =>
  tab.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
const heading = (tab) => tab.textContent('h1');
const stateOf = async (context) =>
  (await context.request.get(`http://localhost:${port}/opt-out/state`)).json();

before(async () => {
  mkdirSync(screenshots, { recursive: true });
  browser = await launch();
  await startEdge();
});
after(async () => {
  await browser.close();
  const ended = new Promise((resolve) => edge.once('exit', resolve));
  edge.stdin.end();
  await ended;
});

// --- The opt-out page ----------------------------------------------------------------------------

test('the button refuses, the page says so, and a reload asks nothing again', async () => {
  await visit('/opt-out', async (tab, context) => {
    const posts = [];
    tab.on('request', (request) => request.method() === 'POST' && posts.push(request.url()));
    assert.equal(await heading(tab), 'Your visits are counted');
    await tab.click('text=Do not count me');
    await tab.waitForSelector('text=Count me again');
    assert.equal(await heading(tab), 'Your visits are not counted');
    assert.equal(new URL(tab.url()).pathname, '/opt-out');
    await tab.reload();
    assert.equal(posts.length, 1);
    assert.deepEqual(await stateOf(context), { opted_out: true, by: 'cookie' });
    const [cookie, ...others] = await context.cookies();
    assert.deepEqual(others, []);
    assert.equal(cookie.name, 'footfall_optout');
    assert.equal(cookie.value, '1');
    assert.equal(cookie.sameSite, 'Lax');
    await tab.click('text=Count me again');
    await tab.waitForSelector('text=Do not count me');
    assert.equal(await heading(tab), 'Your visits are counted');
    assert.deepEqual(await context.cookies(), []);
    assert.deepEqual(await stateOf(context), { opted_out: false, by: null });
  });
});

test('clearing cookies clears the refusal', async () => {
  await visit('/opt-out', async (tab, context) => {
    await tab.click('text=Do not count me');
    await tab.waitForSelector('text=Count me again');
    await context.clearCookies();
    await tab.reload();
    assert.equal(await heading(tab), 'Your visits are counted');
  });
});

for (const [header, words] of [
  ['Sec-GPC', 'Global Privacy Control'],
  ['DNT', 'Do Not Track'],
]) {
  test(`${header} is a refusal, and the page names it`, async () => {
    const options = { ...DESKTOP, extraHTTPHeaders: { [header]: '1' } };
    await visit(
      '/opt-out',
      async (tab) => {
        assert.equal(await heading(tab), 'Your visits are not counted');
        assert.match(await tab.textContent('.state'), new RegExp(words));
      },
      options,
    );
  });
}

test('the page works without script and by keyboard alone', async () => {
  await visit(
    '/opt-out',
    async (tab) => {
      await tab.keyboard.press('Tab');
      await tab.keyboard.press('Enter');
      await tab.waitForSelector('text=Count me again');
      assert.equal(await heading(tab), 'Your visits are not counted');
    },
    { ...DESKTOP, javaScriptEnabled: false },
  );
});

test('a refusal made inside a page of another site holds there', async () => {
  const front = await startFront();
  const site = await serve(({ path }) =>
    path === '/'
      ? { headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>Site</title>' }
      : undefined,
  );
  const context = await browser.newContext(DESKTOP);
  try {
    const tab = await context.newPage();
    await tab.goto(site.origin('site.localhost'));
    const ask = (path, init) =>
      tab.evaluate(
        async ([url, options]) => (await fetch(url, { credentials: 'include', ...options })).text(),
        [front.origin('127.0.0.1') + path, init],
      );
    assert.deepEqual(JSON.parse(await ask('/opt-out/state')), { opted_out: false, by: null });
    await ask('/opt-out', { method: 'POST' });
    assert.deepEqual(JSON.parse(await ask('/opt-out/state')), { opted_out: true, by: 'cookie' });
    const [cookie] = await context.cookies();
    assert.equal(cookie.sameSite, 'None');
    assert.equal(cookie.secure, true);
    await ask('/opt-out', {
      method: 'POST',
      body: 'choice=in',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    assert.deepEqual(JSON.parse(await ask('/opt-out/state')), { opted_out: false, by: null });
  } finally {
    await context.close();
    await Promise.all([front.close(), site.close()]);
  }
});

test('the page is left to look at', async () => {
  const looks = {
    desktop: DESKTOP,
    'desktop-dark': { ...DESKTOP, colorScheme: 'dark' },
    phone: PHONE,
    'phone-dark': { ...PHONE, colorScheme: 'dark' },
  };
  for (const [look, options] of Object.entries(looks)) {
    await visit(
      '/opt-out',
      async (tab) => {
        await shoot(tab, `optout-counted-${look}`);
        const width = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(width <= 0, 'nothing sticks out');
        await tab.click('button');
        await tab.waitForSelector('text=Count me again');
        await shoot(tab, `optout-left-out-${look}`);
      },
      options,
    );
  }
  await visit('/opt-out', (tab) => shoot(tab, 'optout-gpc'), {
    ...DESKTOP,
    extraHTTPHeaders: { 'Sec-GPC': '1' },
  });
});

// --- The demo site -------------------------------------------------------------------------------

/** What is sent to the collector while `body` walks through the demo. */
async function walk(path, body, options) {
  const beacons = [];
  await visit(
    path,
    async (tab, context) => {
      tab.on('request', (request) => {
        if (request.method() === 'POST' && request.url().endsWith('/b'))
          beacons.push(Object.fromEntries(new URLSearchParams(request.postData())));
      });
      await tab.reload();
      await body(tab, beacons, context);
    },
    options,
  );
  return beacons;
}
const viewsOf = (beacons) => beacons.filter((one) => !one.n).map((one) => new URL(one.u).pathname);

test('each page of the demo is counted, and each book of its single-page part', async () => {
  const beacons = await walk('/demo/', async (tab, sent) => {
    let views = 0;
    const counted = () => until(`view ${++views}`, () => viewsOf(sent).length === views);
    const click = (what) => tab.click(what).then(counted);
    await counted();
    await click('text=Browse the shelf');
    await click('text=Moon and Mud');
    await tab.waitForSelector('h1:has-text("Moon and Mud")');
    await click('text=Back to the shelf');
    await click('.books a[href="/demo/shelf/small-boats"]');
    await tab.goBack();
    await counted();
    await tab.waitForSelector('h1:has-text("The shelf")');
    await click('nav >> text=Journal');
    await click('text=Reading the tides');
    await click('nav >> text=Visit');
  });
  assert.deepEqual(viewsOf(beacons), [
    '/demo/',
    '/demo/shelf/',
    '/demo/shelf/moon-and-mud',
    '/demo/shelf/',
    '/demo/shelf/small-boats',
    '/demo/shelf/',
    '/demo/journal',
    '/demo/journal/reading-the-tides',
    '/demo/visit',
  ]);
  assert.ok(beacons.every((one) => one.s === 'demo.localhost'));
});

test('the demo has an event, a campaign and a way out', async () => {
  const beacons = await walk('/demo/', async (tab, sent, context) => {
    await tab.waitForSelector('footer >> text=This browser is counted.');
    await tab.click('text=Reserve the window chair');
    await until('the event', () => sent.find((one) => one.n === 'reserve'));
    assert.equal(await tab.textContent('button.quiet'), 'The window chair is yours');
    await tab.click('text=The November letter');
    await until('the view', () => viewsOf(sent).includes('/demo/shelf/'));
    await tab.click('text=Change that');
    await tab.click('text=Do not count me');
    await tab.waitForSelector('text=Count me again');
    const before = sent.length;
    await tab.goto(`http://localhost:${port}/demo/`);
    await pause(300);
    await tab.waitForSelector('footer >> text=This browser is not counted.');
    assert.equal(sent.length, before);
    assert.equal((await context.cookies()).length, 1);
  });
  const event = beacons.find((one) => one.n === 'reserve');
  assert.deepEqual(JSON.parse(event.p), { chair: 'window' });
  const letter = beacons.find((one) => one.u.includes('utm_'));
  assert.match(letter.u, /\?utm_source=letter&utm_medium=email&utm_campaign=november$/);
});

test('the demo is left to look at', async () => {
  const pages = {
    home: '/demo/',
    shelf: '/demo/shelf/',
    book: '/demo/shelf/the-hesitation',
    journal: '/demo/journal',
    article: '/demo/journal/reading-the-tides',
    visit: '/demo/visit',
  };
  const looks = { desktop: DESKTOP, 'phone-dark': { ...PHONE, colorScheme: 'dark' } };
  for (const [look, options] of Object.entries(looks))
    for (const [name, path] of Object.entries(pages))
      await visit(
        path,
        async (tab) => {
          const width = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(width <= 0, `nothing sticks out of ${name}`);
          await shoot(tab, `demo-${name}-${look}`);
        },
        options,
      );
});
