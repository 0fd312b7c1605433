// The dashboard over days that are closed: a real Chromium on a whole Footfall.
//   node sealed.mjs [SCREENSHOTS]   with FOOTFALL set to the executable
// Two months of March, a year apart, come from access logs; when their days have become records and
// nothing of them is open any more, the page of the later one tells exactly what the logs hold, for
// one country as well, and how it differs from the year before. The clocks change in it.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { timeOf } from '../e2e/import_logs.mjs';
import { Footfall, http } from '../e2e/harness.mjs';
import { mmdbBytes } from '../e2e/mmdb.mjs';
import { launch, skipWithoutChromium, until } from './lib.mjs';

skipWithoutChromium();

const SCREENSHOTS = process.argv[2];
const SITE = 'shop.example';
const YEAR = new Date().getUTCFullYear() - 1;
const CLOSED_MS = process.env.SLOW ? 200_000 : 150_000; // a day rests for a minute first
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0';
const MARCH = `from=${YEAR}-03-01&to=${YEAR}-03-31`;

// --- The logs ----------------------------------------------------------------------------------------

// Who comes on a day: so many from a country, each of whom views these pages. Not one pair of values
// has fewer visits than are shown.
const NL = { block: 20, from: 'https://www.google.com/', pages: ['/', '/prices'] };
const DE = { block: 21, from: '-', pages: ['/'] };
const crowd = (day, fromNl, fromDe) => ({ day, crowds: [[NL, fromNl], [DE, fromDe]] });
// Days with a little more each, as a month may have; the last but one has 23 hours.
const days = (year, more) =>
  Array.from({ length: 31 }, (_, at) => crowd(Date.UTC(year, 2, at + 1, 8), 6 + (at % 4) + more, 5 + (at % 3)));
const NOW = days(YEAR, 6);
const THEN = days(YEAR - 1, 0);

function logOf(list) {
  let text = '';
  for (const { day, crowds } of list)
    for (const [{ block, from, pages }, count] of crowds)
      for (let visitor = 0; visitor < count; visitor++)
        pages.forEach((path, at) => {
          const when = timeOf(day + (60 * visitor + 10 * at) * 1000);
          const referrer = at === 0 ? from : `https://${SITE}${pages[at - 1]}`;
          text += `${block}.0.0.${visitor + 1} - - [${when}] "GET ${path} HTTP/1.1" 200 512 "${referrer}" "${BROWSER}"\n`;
        });
  return text;
}

const visitsFrom = (list, country) =>
  list.flatMap(({ crowds }) => crowds).reduce((sum, [from, count]) => sum + (!country || from === country ? count : 0), 0);
const viewsOf = (list) => 2 * visitsFrom(list, NL) + visitsFrom(list, DE);

// --- The house ---------------------------------------------------------------------------------------

const folder = mkdtempSync(join(tmpdir(), 'footfall-sealed-'));
let browser, footfall;

before(async () => {
  const database = join(folder, 'invented.mmdb');
  writeFileSync(database, mmdbBytes({ '20.0.0.0/8': { country: { iso_code: 'NL' } }, '21.0.0.0/8': { country: { iso_code: 'DE' } } }));
  browser = await launch();
  footfall = await Footfall.start({ FOOTFALL_GEO_DATABASE: database });
  await footfall.addSite(SITE, { timezone: 'Europe/Amsterdam' });
  for (const [at, list] of [THEN, NOW].entries()) {
    const log = join(folder, `access-${at}.log`);
    writeFileSync(log, logOf(list));
    const run = footfall.command('import', '--data', footfall.data, '--site', SITE, log);
    assert.equal(run.code, 0, run.error);
  }
  await until('the days to be records', async () => (await daysAtRest(':day:')).length === 62 && (await daysAtRest(':live:')).length === 0, CLOSED_MS);
});

after(async () => {
  await browser.close();
  const how = await footfall.stop();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(how, { code: 0, signal: null });
});

/** Today's open counters, of waiting until the site was known, are not among them. */
async function daysAtRest(part) {
  const keys = await footfall.redis().keys();
  return keys.filter((key) => key.includes(part) && new RegExp(`:(${YEAR}|${YEAR - 1})\\d{4}`).test(key));
}

async function onDashboard(query, body, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, ...options });
  const complaints = [];
  try {
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(`http://127.0.0.1:${footfall.dashboards}/${SITE}?${query}`);
    await page.waitForSelector('.chart canvas');
    await body(page);
  } finally {
    await context.close();
  }
  assert.deepEqual(complaints, []);
}

const shows = (page, metric, value) =>
  until(`${value} ${metric}`, async () =>
    Number((await page.getAttribute(`[data-metric=${metric}]`, 'title')).replaceAll(/[,%]/g, '')) === value);

/** A panel's column as it stands there, by name. */
async function columnOf(page, panel, head) {
  const heads = await page.locator(`#panel-${panel} thead th`).allTextContents();
  const rows = await page.locator(`#panel-${panel} tbody tr`).evaluateAll((list) =>
    list.map((row) => [row.querySelector('.name').textContent, ...[...row.querySelectorAll('td')].map((cell) => cell.textContent)]));
  return Object.fromEntries(rows.map((row) => [row[0], Number(row[heads.indexOf(head)]?.replaceAll(',', ''))]));
}

const has = (page, panel, head, expected) => {
  let seen;
  return until(`${panel} ${JSON.stringify(expected)}`, async () => {
    seen = await columnOf(page, panel, head);
    return JSON.stringify(seen) === JSON.stringify(expected);
  }).catch((error) => {
    throw new Error(`${error.message} but ${JSON.stringify(seen)}`);
  });
};

const changeOf = (now, before) => `${Math.round(Math.abs(now / before - 1) * 100)}%`;

async function shoot(page, name) {
  if (!SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.evaluate(() => scrollTo(0, 0)); // the head stays where one has scrolled to
  await page.screenshot({ path: join(SCREENSHOTS, `sealed-${name}.png`), fullPage: true });
}

// --- Tests -------------------------------------------------------------------------------------------

test('a past month tells what its log holds', async () => {
  await onDashboard(MARCH, async (page) => {
    await shows(page, 'pageviews', viewsOf(NOW));
    await shows(page, 'visits', visitsFrom(NOW));
    await has(page, 'pages', 'Views', { '/': visitsFrom(NOW), '/prices': visitsFrom(NOW, NL) });
    assert.equal(await page.locator('.numbers tbody tr').count(), 31);
    await shoot(page, 'month');
  });
});

test('one country of it narrows every panel', async () => {
  await onDashboard(MARCH, async (page) => {
    await page.click('#panel-places .name-link:has-text("Germany")');
    await shows(page, 'visits', visitsFrom(NOW, DE));
    await has(page, 'pages', 'Visits', { '/': visitsFrom(NOW, DE) });
    await has(page, 'sources', 'Visits', { 'Direct / None': visitsFrom(NOW, DE) });
    await shoot(page, 'filtered');
  });
  await onDashboard(`${MARCH}&filter=page%3A%2Fprices`, async (page) => {
    await has(page, 'places', 'Visits', { Netherlands: visitsFrom(NOW, NL) });
    await has(page, 'sources', 'Visits', { Google: visitsFrom(NOW, NL) });
    await shoot(page, 'page');
  });
});

test('beside it stands the same month of the year before', async () => {
  await onDashboard(`${MARCH}&compare=year_over_year&metric=pageviews`, async (page) => {
    await shows(page, 'pageviews', viewsOf(NOW));
    const change = page.locator('button.tile:has([data-metric=pageviews]) .change');
    await until('the change', async () => (await change.textContent()).includes(changeOf(viewsOf(NOW), viewsOf(THEN))));
    assert.match(await change.getAttribute('title'), new RegExp(`Mar ${YEAR - 1}`));
    assert.match(await page.locator('.overview').textContent(), new RegExp(`Before:.*Mar ${YEAR - 1}`));
    await shoot(page, 'year');
  });
});

test('on a phone and in the dark the year is there too', async () => {
  await onDashboard(`from=${YEAR}-01-01&to=${YEAR}-12-31&compare=year_over_year`, async (page) => {
    await shows(page, 'pageviews', viewsOf(NOW));
    await has(page, 'pages', 'Views', { '/': visitsFrom(NOW), '/prices': visitsFrom(NOW, NL) });
    await shoot(page, 'phone');
  }, { viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
});

test('what was read is kept, and the metrics tell', async () => {
  const question = { site_id: SITE, metrics: ['pageviews'], date_range: [`${YEAR}-03-01`, `${YEAR}-03-31`] };
  const hits = async () => {
    const told = await http(join(footfall.data, 'run', 'dashboards'), { path: '/metrics' });
    return Number(told.body.toString().match(/^footfall_dashboards_cache_lookups_total\{outcome="hit"\} (\d+)$/m)[1]);
  };
  await footfall.query(question);
  const before = await hits();
  const answer = await footfall.query(question);
  assert.deepEqual(answer.results[0].metrics, [viewsOf(NOW)]);
  await until('a hit', async () => (await hits()) > before);
});
