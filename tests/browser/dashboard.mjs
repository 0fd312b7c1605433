// The dashboard's pages in a real Chromium, against a server of invented numbers:
//   node dashboard.mjs WEB [SCREENSHOTS]
// WEB holds the built pages (build/…/web). Each test ends by asking whether the browser had anything
// to complain about.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { COLLECTOR, SITES, XSS, startFake } from './dashboard_fake.mjs';
import { becomes, launch, pause, skipWithoutChromium, until } from './lib.mjs';

skipWithoutChromium();

const [, , WEB, SCREENSHOTS] = process.argv;
if (!WEB) throw new Error('usage: node dashboard.mjs WEB [SCREENSHOTS]');
const NOW = Date.parse('2026-11-23T14:25:00Z'); // a Monday
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };
const LIVE_MS = 2_000;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Runs `body(page, fake)` on a fresh server and a fresh page; fails on any complaint of the browser. */
async function onPage(
  path,
  body,
  { viewport = DESKTOP, scheme = 'light', sites = SITES, tolerates = /^$/ } = {},
) {
  const fake = await startFake({ web: WEB, sites, now: NOW });
  const context = await browser.newContext({ viewport, colorScheme: scheme });
  const complaints = [];
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on('console', (message) => {
      if (message.type() === 'error' && !tolerates.test(message.text()))
        complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.clock.setFixedTime(NOW);
    await page.addInitScript(() => {
      window.violations = [];
      document.addEventListener('securitypolicyviolation', (event) =>
        window.violations.push(event.violatedDirective),
      );
    });
    await page.goto(fake.url + path);
    await body(page, fake);
    complaints.push(...(await page.evaluate(() => window.violations)));
  } finally {
    await context.close();
    await fake.stop();
  }
  assert.deepEqual(complaints, []);
}

const number = async (page, metric) =>
  Number((await page.getAttribute(`[data-metric=${metric}]`, 'title')).replaceAll(',', ''));

async function isLoaded(page) {
  await page.waitForSelector('.chart canvas');
  await until(
    'all panels',
    async () => (await page.locator('.panel .rows, .panel .empty').count()) === 6,
  );
}

const address = (page) => page.evaluate(() => location.pathname + location.search);

async function shoot(page, name) {
  if (!SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `dashboard-${name}.png`), fullPage: true });
}

test('the content security policy is in force, and this test notices what breaks it', async () => {
  await assert.rejects(
    onPage('/example.com', async (page) => {
      await isLoaded(page);
      await page.evaluate(() =>
        document.body.insertAdjacentHTML('beforeend', '<p style="color: red" onclick="1">x</p>'),
      );
      await pause(100);
    }),
    /style-src/,
  );
});

test('numbers, chart and panels show', async () => {
  await onPage('/example.com?period=28d', async (page, fake) => {
    await isLoaded(page);
    assert.equal(await page.title(), 'example.com · Footfall');
    const ranges = fake.queries
      .filter((query) => !query.dimensions)
      .map((query) => query.date_range.join());
    assert.deepEqual([...new Set(ranges)].sort(), [
      '2026-09-29,2026-10-25', // before, as many full days
      '2026-10-27,2026-11-22', // the full days
      '2026-10-27,2026-11-23', // what the headline shows
    ]);
    assert.ok((await number(page, 'pageviews')) > (await number(page, 'visitors')));
    assert.equal(await page.locator('.numbers tbody tr').count(), 28);
    assert.match(
      await page.locator('.numbers tbody tr').last().textContent(),
      /23 Nov 2026.*not over yet/,
    );
    assert.match(await page.getAttribute('.chart [role=img]', 'aria-label'), /^Visitors by day/);
    await until('the visits that are active', async () => (await active(page)) === 7);
    assert.match(await page.locator('.footnote').textContent(), /daily visitors, added up/);
    await shoot(page, 'light');
  });
});

test('the dark is dark', async () => {
  await onPage(
    '/example.com?period=today',
    async (page) => {
      await isLoaded(page);
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.ok(
        background.match(/\d+/g).every((part) => Number(part) < 40),
        background,
      );
      await shoot(page, 'dark');
    },
    { scheme: 'dark' },
  );
});

test('every control moves the address, and back and forward move the page', async () => {
  await onPage('/example.com', async (page) => {
    await isLoaded(page);
    const steps = [
      ['button.tile:has-text("Bounce rate")', '/example.com?metric=bounce_rate'],
      [
        '#panel-pages-title ~ * >> role=tab[name="Exit"]',
        '/example.com?metric=bounce_rate&pages=exit',
      ],
      [
        'role=link[name="Earlier"]',
        '/example.com?from=2026-11-10&to=2026-11-16&metric=bounce_rate&pages=exit',
      ],
      [
        'role=link[name="Details of Sources"]',
        '/example.com?from=2026-11-10&to=2026-11-16&metric=bounce_rate&pages=exit&details=sources',
      ],
    ];
    const seen = [await address(page)];
    for (const [target, expected] of steps) {
      await page.click(target);
      await until(expected, async () => (await address(page)) === expected);
      seen.push(expected);
    }
    await page.waitForSelector('dialog[open] .rows');
    for (const expected of seen.slice(0, -1).reverse()) {
      await page.goBack();
      await until(expected, async () => (await address(page)) === expected);
    }
    await becomes('no dialog', () => page.locator('dialog').count(), 0);
    await becomes('the first tile', () => page.getAttribute('button.tile >> nth=0', 'aria-pressed'), 'true');
    await page.goForward();
    await until(
      'the bounce rate',
      async () =>
        (await page.getAttribute('button.tile:has-text("Bounce rate")', 'aria-pressed')) === 'true',
    );
  });
});

/** The visits that are active; NaN before they are told. */
const active = async (page) => Number(await page.locator('[data-live=active]').textContent());
const heads = (page, panel) => page.locator(`#panel-${panel} thead th`).allTextContents();

test('a click on a row makes the whole page about it, and the chip undoes it', async () => {
  await onPage('/example.com?period=28d', async (page, fake) => {
    await isLoaded(page);
    const before = await number(page, 'visits');
    await pause(2_200); // the stream's first words ask once more for the whole
    fake.queries.length = 0;
    await page.click('#panel-places .name-link:has-text("United States")');
    const filtered = '/example.com?period=28d&filter=country%3AUS';
    await until(filtered, async () => (await address(page)) === filtered);
    await until('fewer visits', async () => (await number(page, 'visits')) < before / 2);
    await becomes('no visitors', () => heads(page, 'pages'), ['Page', 'Visits', 'Views']);
    await becomes('sources', () => heads(page, 'sources'), ['Source', 'Visits', 'Views', 'Share']);
    await becomes('events', () => heads(page, 'events'), ['Event', 'Visits', 'Count']);
    await becomes('one place', () => page.locator('#panel-places tbody tr').count(), 1);
    await becomes('no way further', () => page.locator('#panel-places .name-link').count(), 0);
    await page.waitForSelector('#panel-drops >> text=/Reason is not counted together with country/');
    assert.ok(fake.queries.length > 5);
    for (const query of fake.queries)
      assert.deepEqual(query.filters?.[0], ['is', 'visit:country', ['US']]);
    assert.equal(await page.locator('.chip').textContent(), 'CountryUnited States✕');
    assert.equal(await page.locator('#now-title').textContent(), 'Right now, whole site');
    await shoot(page, 'filtered');
    await page.click('role=link[name="Remove the filter"]');
    await until('all', async () => (await address(page)) === '/example.com?period=28d');
    await until('as many as before', async () => (await number(page, 'visits')) === before);
    await becomes('no chip', () => page.locator('.chip').count(), 0);
    await page.goBack();
    await page.waitForSelector('.chip');
  });
});

test('an event’s page has the figures of events', async () => {
  await onPage('/example.com?filter=goal%3Asignup&metric=bounce_rate', async (page) => {
    await page.waitForSelector('.chart canvas');
    assert.deepEqual(await page.locator('.tile-label').allTextContents(), [
      'Visitors',
      'Visits',
      'Events',
    ]);
    assert.equal(
      await page.getAttribute('button.tile:has-text("Visitors")', 'aria-pressed'),
      'true',
    );
    await page.click('button.tile:has-text("Events")');
    await until('events', async () =>
      /^Events by day/.test(await page.getAttribute('.chart [role=img]', 'aria-label')),
    );
    await becomes('pages', () => heads(page, 'pages'), ['Page', 'Visits', 'Count']);
  });
});

test('what a filter does not narrow says so in a sentence', async () => {
  await onPage('/example.com?period=today&filter=page%3A%2F&sources=referrer', async (page) => {
    await page.waitForSelector('#panel-devices .rows');
    await page.waitForSelector('.overview >> text=/Hours are counted for the whole site only/');
    await page.waitForSelector('#panel-sources >> text=/Referrer is not counted together with page/');
    assert.equal(await page.locator('[role=alert]').count(), 0);
  });
  await onPage(
    '/strict.example?filter=country%3AUS&details=pages',
    async (page) => {
      await page.waitForSelector('dialog[open] .empty');
      assert.match(await page.locator('dialog').textContent(), /no filter narrows it/);
      assert.match(await page.locator('dialog').textContent(), /Country: United States/);
      assert.equal(await page.locator('[role=alert]').count(), 0);
    },
    { sites: { 'strict.example': 'strict' } },
  );
});

test('a long filter on a phone stays inside', async () => {
  const path = encodeURIComponent(`page:/${'a-long-segment/'.repeat(20)}`);
  await onPage(
    `/example.com?filter=${path}`,
    async (page) => {
      await isLoaded(page);
      const [inside, outside] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        document.documentElement.clientWidth,
      ]);
      assert.ok(inside <= outside, `${inside} > ${outside}`);
      const remove = await page.locator('.chip-remove').boundingBox();
      assert.ok(remove.x + remove.width <= outside && remove.width >= 24);
      await shoot(page, 'filtered-phone');
    },
    { viewport: PHONE },
  );
});

test('a row in the details filters too, and closes them', async () => {
  await onPage('/example.com?period=28d&details=sources', async (page) => {
    await page.click('dialog[open] .name-link >> nth=0');
    await page.waitForSelector('.chip');
    await becomes('no dialog', () => page.locator('dialog').count(), 0);
    assert.match(await address(page), /^\/example\.com\?period=28d&filter=source%3A/);
  });
});

test('an address alone brings the whole state back', async () => {
  const path =
    '/example.com?from=2026-10-01&to=2026-10-31&compare=none&metric=visits&interval=week&pages=entry&sources=utm_campaign&places=region&devices=os_version';
  await onPage(path, async (page) => {
    await isLoaded(page);
    assert.match(await page.locator('.period-button').textContent(), /Oct 2026/);
    assert.equal(await page.getAttribute('button.tile:has-text("Visits")', 'aria-pressed'), 'true');
    assert.equal(await page.locator('.numbers tbody tr').count(), 5);
    assert.deepEqual(await page.locator('[role=tab][aria-selected=true]').allTextContents(), [
      'Entry',
      'Campaigns',
      'Regions',
      'System',
    ]);
    assert.equal(await page.inputValue('select[aria-label="Campaigns by"]'), 'utm_campaign');
    assert.equal(await page.locator('.change.good, .change.bad').count(), 0);
    assert.equal(await address(page), path);
  });
});

test('periods have keys, which do nothing while something is typed', async () => {
  await onPage('/example.com', async (page) => {
    await isLoaded(page);
    const press = async (key, expected) => {
      await page.keyboard.press(key);
      await until(`${key} ${expected}`, async () => (await address(page)) === expected);
    };
    await press('d', '/example.com?period=today');
    await press('ArrowLeft', '/example.com?period=yesterday');
    await press('ArrowRight', '/example.com?period=today');
    await press('ArrowRight', '/example.com?period=today');
    await press('m', '/example.com?period=month');
    await press('ArrowLeft', '/example.com?from=2026-10-01&to=2026-10-31');
    await press('x', '/example.com?from=2026-10-01&to=2026-10-31&compare=none');
    await page.click('.period-button');
    await page.locator('.custom input').first().focus();
    await press('d', '/example.com?from=2026-10-01&to=2026-10-31&compare=none');
    await page.keyboard.press('Escape');
    await becomes('no menu', () => page.locator('.menu').count(), 0);
  });
});

test('a custom period is picked, and an impossible one cannot be', async () => {
  await onPage('/example.com', async (page) => {
    await page.click('.period-button');
    const [from, to] = [
      page.locator('.custom input').first(),
      page.locator('.custom input').last(),
    ];
    await from.fill('2026-11-20');
    await to.fill('2026-11-18');
    await until('the button to refuse', () => page.isDisabled('.custom button'));
    await to.fill('2026-11-22');
    await page.click('.custom button');
    await until(
      'the dates',
      async () => (await address(page)) === '/example.com?from=2026-11-20&to=2026-11-22',
    );
  });
});

test('tabs are tabs: arrows move, and only the chosen one is in the order', async () => {
  await onPage('/example.com', async (page) => {
    await isLoaded(page);
    await page.focus('role=tab[name="Countries"]');
    await page.keyboard.press('ArrowRight');
    await until('regions', async () => (await address(page)) === '/example.com?places=region');
    await becomes('the focus', () => page.evaluate(() => document.activeElement.textContent), 'Regions');
    const order = await page
      .locator('[role=tab]')
      .evaluateAll((tabs) => tabs.filter((tab) => tab.tabIndex === 0).length);
    assert.equal(order, 4);
    for (const id of await page
      .locator('[role=tab]')
      .evaluateAll((tabs) => tabs.map((tab) => tab.getAttribute('aria-controls'))))
      assert.equal(await page.locator(`#${id}[role=tabpanel]`).count(), 1);
    assert.equal(await page.locator('table:not(:has(caption))').count(), 0);
  });
});

test('what visitors send stays text', async () => {
  await onPage('/odd.example?pages=all&details=pages', async (page) => {
    await page.waitForSelector('dialog .rows');
    await isLoaded(page);
    const names = await page.locator('dialog .name').allTextContents();
    for (const text of XSS) assert.ok(names.includes(text), text);
    assert.equal(await page.locator('#app img[src=x], #app svg[onload], #app script').count(), 0);
    assert.notEqual(await page.title(), 'owned');
    const links = await page
      .locator('dialog a.visit')
      .evaluateAll((each) => each.map((link) => link.href));
    assert.ok(links.length > 5);
    for (const link of links) assert.match(link, /^https:\/\/odd\.example\//);
    await page.keyboard.press('Escape');
    await until('the end of the dialog', async () => (await page.locator('dialog').count()) === 0);
    await shoot(page, 'odd');
  });
});

test('a page view moves the counts within two seconds', async () => {
  await onPage('/example.com?period=today', async (page, fake) => {
    await isLoaded(page);
    const times = [];
    for (let round = 1; round <= 3; round++) {
      const views = await number(page, 'pageviews');
      const visits = await until('the visits that are active', () => active(page));
      const start = performance.now();
      fake.addView('example.com', '/pricing');
      await until('one view more', async () => (await number(page, 'pageviews')) === views + 1);
      await until('one visit more', async () => (await active(page)) === visits + 1);
      times.push(Math.round(performance.now() - start));
      await pause(300);
    }
    assert.ok(Math.min(...times) < LIVE_MS, `${times} ms`); // the quickest counts: a machine may stall
  });
});

test('many views ask no more than once a second', async () => {
  await onPage('/example.com?period=today', async (page, fake) => {
    await isLoaded(page);
    await pause(1_200);
    const views = await number(page, 'pageviews');
    fake.queries.length = 0;
    const start = performance.now();
    for (let view = 0; view < 60; view++) {
      fake.addView('example.com', '/');
      await pause(30);
    }
    await until('all of them', async () => (await number(page, 'pageviews')) === views + 60);
    const totals = fake.queries.filter((query) => !query.dimensions);
    const seconds = (performance.now() - start) / 1000;
    assert.ok(totals.length >= 2 && totals.length <= seconds + 2, `${totals.length} queries in ${seconds} s`);
  });
});

test('a hidden tab asks for nothing, and catches up when it is seen again', async () => {
  await onPage('/example.com?period=today', async (page, fake) => {
    await isLoaded(page);
    const setHidden = (isHidden) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, isHidden);
    const views = await number(page, 'pageviews');
    await setHidden(true);
    await pause(2_500);
    fake.queries.length = 0;
    fake.addView('example.com', '/');
    await pause(1_500);
    assert.equal(fake.queries.length, 0);
    await setHidden(false);
    await until('the missed view', async () => (await number(page, 'pageviews')) === views + 1);
  });
});

test('a period that is over is not asked for again', async () => {
  await onPage('/example.com?period=yesterday', async (page, fake) => {
    await isLoaded(page);
    await pause(1_200);
    fake.queries.length = 0;
    fake.addView('example.com', '/');
    await pause(2_500);
    assert.equal(fake.queries.length, 0);
  });
});

test('a site without a view shows the snippet and waits for the first one', async () => {
  await onPage('/empty.example', async (page, fake) => {
    await page.waitForSelector('text=Waiting for the first page view');
    assert.equal(
      await page.locator('.copy-line code').textContent(),
      `<script defer src="${COLLECTOR}/footfall.js" data-site="empty.example"></script>`,
    );
    await shoot(page, 'first-view');
    fake.addView('empty.example', '/hello');
    await page.waitForSelector('.panel .name:has-text("/hello")');
    assert.equal(await number(page, 'pageviews'), 1);
  });
});

test('a site whose counts are all older says so, and shows them', async () => {
  await onPage('/old.example', async (page) => {
    await page.waitForSelector('text=Nothing was counted in this period');
    await page.click('text=show all time');
    await isLoaded(page);
    assert.match(page.url(), /period=all/);
    await until('views', async () => (await number(page, 'pageviews')) > 0);
    await becomes('nothing earlier', () => page.locator('.earlier').count(), 0);
  });
});

test('without a site there is a command, and the first site appears by itself', async () => {
  await onPage(
    '/',
    async (page, fake) => {
      await page.waitForSelector('text=footfall site add example.com');
      fake.addSite('new.example', 'busy');
      await page.waitForSelector('.site-card:has-text("new.example")', { timeout: 20_000 });
    },
    { sites: {} },
  );
});

test('the list of sites leads to each, and the switcher keeps the period', async () => {
  await onPage(
    '/',
    async (page) => {
      await page.click('.site-card a:has-text("example.com") >> nth=0');
      await isLoaded(page);
      await page.keyboard.press('f');
      await until('28 days', async () => (await address(page)) === '/example.com?period=28d');
      await page.selectOption('select[aria-label=Site]', 'blog.example.org');
      await until(
        'the other site',
        async () => (await address(page)) === '/blog.example.org?period=28d',
      );
      await isLoaded(page);
    },
    { tolerates: /503/ },
  );
});

test('a failure is said in words, and trying again helps', async () => {
  await onPage(
    '/example.com',
    async (page, fake) => {
      await isLoaded(page);
      fake.isDown = true;
      await page.keyboard.press('m');
      await page.waitForSelector('role=alert >> text=The counts cannot be read right now');
      await shoot(page, 'error');
      fake.isDown = false;
      await page.locator('role=button[name="Try again"]').first().click();
      await until('no failure', async () => {
        await page.locator('role=button[name="Try again"]').evaluateAll((buttons) => buttons.forEach((button) => button.click()));
        return (await page.locator('[role=alert]').count()) === 0;
      });
      await isLoaded(page);
    },
    { tolerates: /503/ },
  );
});

test('a failed refresh keeps the numbers', async () => {
  await onPage(
    '/example.com?period=today',
    async (page, fake) => {
      await isLoaded(page);
      const views = await number(page, 'pageviews');
      fake.isDown = true;
      fake.addView('example.com', '/');
      await until('a refused query', async () => fake.queries.length > 12);
      await pause(300);
      assert.equal(await number(page, 'pageviews'), views);
      assert.equal(await page.locator('[role=alert]').count(), 0);
      fake.isDown = false;
      fake.addView('example.com', '/');
      await until('both views', async () => (await number(page, 'pageviews')) === views + 2);
    },
    { tolerates: /503/ },
  );
});

test('an unknown site is named, as text', async () => {
  await onPage('/%3Cb%3Enope%3C%2Fb%3E', async (page) => {
    await page.waitForSelector('h1:has-text("<b>nope</b> is not counted here")');
    assert.equal(await page.locator('#app b').count(), 0);
    assert.match(await page.locator('.copy-line code').textContent(), /site add example\.com$/);
  });
});

test('on a phone nothing scrolls sideways', async () => {
  const paths = [
    '/',
    '/example.com?period=today',
    '/odd.example?period=12mo&sources=utm_campaign',
    '/empty.example',
    '/nosuch.example',
    '/odd.example?details=pages',
  ];
  for (const path of paths) {
    await onPage(
      path,
      async (page) => {
        await page.waitForSelector('.card');
        await pause(600);
        const menu = page.locator('.period-button');
        if ((await menu.count()) > 0 && !path.includes('details')) await menu.click();
        const [content, window] = await page.evaluate(() => [
          document.documentElement.scrollWidth,
          innerWidth,
        ]);
        assert.ok(content <= window, `${path}: ${content} > ${window}`);
        if (path.startsWith('/example.com')) await shoot(page, 'phone');
      },
      { viewport: PHONE, tolerates: /503/ },
    );
  }
});

test('nothing jumps while it loads', async () => {
  for (const viewport of [DESKTOP, PHONE]) {
    await onPage(
      '/example.com',
      async (page) => {
        await page.evaluate(() => {
          window.shift = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) window.shift += entry.value;
          }).observe({ type: 'layout-shift', buffered: true });
        });
        await isLoaded(page);
        await pause(300);
        const shift = await page.evaluate(() => window.shift);
        assert.ok(shift < 0.05, `${viewport.width} px: ${shift}`);
      },
      { viewport },
    );
  }
});

test('the chart tells the day under the pointer', async () => {
  await onPage('/example.com', async (page) => {
    await isLoaded(page);
    await page.hover('.u-over', { position: { x: 400, y: 80 } });
    await page.waitForSelector('.tooltip');
    assert.match(await page.locator('.tooltip').textContent(), /^Fri 20 Nov 2026Visitors\d+/);
  });
});
