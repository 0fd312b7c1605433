// Everything out again, against an oracle that counts the same visits by itself:
//   node export.mjs   with FOOTFALL set to the executable
// The ten files of Plausible's family row by row, the way back through an import, JSON lines against each field at rest, what a
// spreadsheet must not run, and that files come whole or not at all.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseCsv, rowsOf } from './csv.mjs';
import { Footfall, countsOf, inParallel } from './harness.mjs';
import { randomFrom } from './logs.mjs';
import { mmdbBytes } from './mmdb.mjs';

const VISITORS = 200;
const SITE = 'site.example';
const HEADS = {
  visitors: 'date,visitors,pageviews,bounces,visits,visit_duration',
  sources: 'date,source,referrer,utm_source,utm_medium,utm_campaign,utm_content,utm_term,pageviews,visitors,visits,visit_duration,bounces',
  pages: 'date,hostname,page,visits,visitors,pageviews,total_scroll_depth,total_scroll_depth_visits,total_time_on_page,total_time_on_page_visits',
  entry_pages: 'date,entry_page,visitors,entrances,visit_duration,bounces,pageviews',
  exit_pages: 'date,exit_page,visitors,visit_duration,exits,bounces,pageviews',
  custom_events: 'date,name,link_url,path,visitors,events',
  locations: 'date,country,region,city,visitors,visits,visit_duration,bounces,pageviews',
  devices: 'date,device,visitors,visits,visit_duration,bounces,pageviews',
  browsers: 'date,browser,browser_version,visitors,visits,visit_duration,bounces,pageviews',
  operating_systems: 'date,operating_system,operating_system_version,visitors,visits,visit_duration,bounces,pageviews',
};
const AGENTS = [
  ['Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36', 'Desktop', ['Chrome', '131'], ['Windows', '10']],
  ['X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0', 'Desktop', ['Firefox', '132'], ['GNU/Linux', '']],
  ['Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0', 'Desktop', ['Microsoft Edge', '131'], ['Windows', '10']],
];
const WAYS = [['', ''], ['https://www.google.com/', 'Google'], ['https://news.example.org/x', 'news.example.org']];
const PLACES = { 20: ['NL', 'NH'], 21: ['NL', 'ZH'], 22: ['DE', ''], 23: ['', ''] };
const PAGES = ['/', '/a', '/say "b", c', "/=1+1", '/é'];
const LINKS = ['https://one.example/', '=cmd()', ''];

const folder = mkdtempSync(join(tmpdir(), 'footfall-export-'));
let footfall, date, days;

/** Visitors with a walk of one to four pages, and at times an event at its end. */
function visitors(random) {
  const pick = (items) => items[Math.floor(items.length * random())];
  return Array.from({ length: VISITORS }, (_, number) => {
    const [first, [country, region]] = pick(Object.entries(PLACES));
    const [agent, device, browser, os] = pick(AGENTS);
    const [referrer, source] = pick(WAYS);
    const pages = Array.from({ length: 1 + Math.floor(4 * random()) }, () => pick(PAGES));
    const event = random() < 0.3 ? { name: pick(['Outbound Link: Click', '@signup']), link: pick(LINKS) } : null;
    const address = `${first}.0.${number >> 8}.${number & 255}`;
    return { headers: { 'user-agent': `Mozilla/5.0 (${agent}`, 'x-forwarded-for': address }, country, region, device, browser, os, referrer, source, pages, event };
  });
}

async function send(all) {
  await inParallel(all, 16, async ({ headers, referrer, pages, event }) => {
    const steps = [...pages.map((page) => ({ page })), ...(event ? [{ page: pages.at(-1), event }] : [])];
    for (const [at, { page, event: sent }] of steps.entries()) {
      const fields = { s: SITE, u: `https://${SITE}${encodeURI(page)}`, ...(at === 0 && referrer && { r: referrer }) };
      if (sent) Object.assign(fields, { n: sent.name, ...(sent.link && { p: JSON.stringify({ url: sent.link }) }) });
      const reply = await footfall.view(fields, headers);
      assert.ok([202, 204].includes(reply.status), `${reply.status}`);
    }
  });
}

/** {file: {texts: {number: sum}}} of the numbers that do not hang on time or on sketches. */
function oracle(all) {
  const files = Object.fromEntries(Object.keys(HEADS).map((file) => [file, {}]));
  const add = (file, texts, numbers) => {
    const row = (files[file][JSON.stringify(texts)] ??= {});
    for (const [name, number] of Object.entries(numbers)) row[name] = (row[name] ?? 0) + number;
  };
  for (const { pages, source, country, region, device, browser, os, event } of all) {
    // An event ends a bounce: somebody did something.
    const visit = { visits: 1, bounces: pages.length === 1 && !event ? 1 : 0, pageviews: pages.length };
    const { visits, ...rest } = visit;
    add('visitors', [], visit);
    add('sources', [source, '', '', '', '', '', ''], visit);
    add('locations', [country, region && `${country}-${region}`], visit);
    add('devices', [device], visit);
    add('browsers', browser, visit);
    add('operating_systems', os, visit);
    add('entry_pages', [pages[0]], { entrances: visits, ...rest });
    add('exit_pages', [pages.at(-1)], { exits: 1 });
    for (const [at, page] of pages.entries()) add('pages', [SITE, page], { pageviews: 1, visits: pages.indexOf(page) === at ? 1 : 0 });
    if (event) add('custom_events', [event.name, event.name[0] === '@' ? '' : event.link, ''], { events: 1 });
  }
  return files;
}

/** The same of an exported file; texts and numbers by the head. */
function exported(path, file) {
  const [head, ...rows] = rowsOf(readFileSync(path, 'utf8'));
  assert.equal(head.join(','), HEADS[file]);
  const texts = head.filter((name) => /^(hostname|page|source|referrer|utm_.*|(entry|exit)_page|name|link_url|path|country|region|device|browser.*|operating_system.*)$/.test(name));
  const result = {};
  for (const row of rows) {
    const of = (name) => row[head.indexOf(name)];
    assert.equal(of('date'), date);
    const key = JSON.stringify(texts.map(of));
    assert.ok(!(key in result), `${key} stands twice in ${file}`);
    result[key] = Object.fromEntries(head.filter((name) => name !== 'date' && !texts.includes(name)).map((name) => [name, Number(of(name))]));
  }
  return result;
}

function run(...words) {
  const result = footfall.command('export', '--data', footfall.data, '--site', SITE, ...words);
  assert.equal(result.code, 0, result.error);
  return result.out;
}

before(async () => {
  const database = join(folder, 'places.mmdb');
  const rows = Object.entries(PLACES).filter(([, [country]]) => country).map(([first, [country, region]]) => [
    `${first}.0.0.0/8`,
    { country: { iso_code: country }, ...(region && { subdivisions: [{ iso_code: region }] }) },
  ]);
  writeFileSync(database, mmdbBytes(Object.fromEntries(rows)));
  footfall = await Footfall.start({ FOOTFALL_GEO_DATABASE: database });
  await footfall.addSite(SITE);
  days = visitors(randomFrom(11));
  await send(days);
  await footfall.settle();
  const [key] = (await footfall.redis().keys()).filter((name) => name.endsWith(':total'));
  date = key.match(/:(\d{4})(\d\d)(\d\d):/).slice(1).join('-');
});

after(async () => {
  const how = await footfall.stop();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(how, { code: 0, signal: null });
});

test('the family of ten, row by row', () => {
  const out = join(folder, 'family');
  assert.match(run('--output', out), new RegExp(`^1 day from ${date} to ${date}: \\d+ page views, ${VISITORS} visits, in ten files\\.\nPlausible's files have no place for: time, referrer, channel.*crosses\\. --format jsonl has them\\.\n$`));
  const stamp = date.replaceAll('-', '');
  assert.deepEqual(readdirSync(out).sort(), Object.keys(HEADS).map((file) => `imported_${file}_${stamp}_${stamp}.csv`).sort());
  for (const [file, expected] of Object.entries(oracle(days))) {
    const path = join(out, `imported_${file}_${stamp}_${stamp}.csv`);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const actual = exported(path, file);
    assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort(), file);
    for (const [texts, numbers] of Object.entries(expected))
      for (const [name, number] of Object.entries(numbers)) assert.equal(actual[texts][name], number, `${name} of ${texts} in ${file}`);
  }
});

test('a spreadsheet runs nothing of it', () => {
  const out = join(folder, 'guarded');
  run('--output', out);
  let guarded = 0;
  for (const name of readdirSync(out))
    for (const field of parseCsv(readFileSync(join(out, name), 'utf8')).flat()) {
      assert.doesNotMatch(field, /^[=+\-@\t\r]/);
      guarded += /^'[=@]/.test(field);
    }
  assert.ok(guarded >= 2, `${guarded} guarded`);
});

test('JSON lines hold each field at rest', async () => {
  const out = join(folder, 'lines');
  assert.match(run('--output', out, '--format', 'jsonl'), /in one file\.\n$/);
  const stamp = date.replaceAll('-', '');
  const lines = readFileSync(join(out, `footfall_${SITE}_${stamp}_${stamp}.jsonl`), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  const letters = { v: 'pageviews', s: 'visits', b: 'bounces', d: 'visit_seconds', e: 'engaged_seconds', n: 'engaged_views', p: 'scroll_percent', q: 'scroll_views', c: 'events', u: 'visitors' };
  const told = {};
  for (const line of lines) {
    assert.equal(line.date, date);
    const [left, right] = line.cross?.split('*') ?? [];
    const value = line.cross ? `${line[left]}\x1f${line[right]}` : line.key !== undefined ? `${line.event}\x1f${line.key}\x1f${line.value}` : (line.value ?? '');
    // An event's name stands where its number does only in lines of properties.
    for (const [letter, name] of Object.entries(letters))
      if (typeof line[name] === 'number') told[`${line.cross ?? line.table} ${letter}${value}`] = line[name];
  }
  const stored = {};
  for (const key of await footfall.redis().keys()) {
    const table = key.match(new RegExp(`:${SITE}:live:\\d+:(.*)$`))?.[1] ?? (key.includes(`:${SITE}:drops:`) ? 'drops' : null);
    if (!table) continue;
    for (const [field, number] of countsOf(table, await footfall.redis().hash(key)))
      if (field[0] !== '@' && number !== 0) stored[`${table} ${field}`] = number;
  }
  assert.ok(Object.keys(stored).length > 500);
  assert.deepEqual(told, stored);
});

test('whole or not at all', () => {
  const out = join(folder, 'broken');
  const stamp = date.replaceAll('-', '');
  const inTheWay = `imported_devices_${stamp}_${stamp}.csv.part`;
  mkdirSync(join(out, inTheWay), { recursive: true });
  const failed = footfall.command('export', '--data', footfall.data, '--site', SITE, '--output', out);
  assert.equal(failed.code, 1);
  assert.match(failed.error, /imported_devices_\d+_\d+\.csv cannot be made/);
  assert.deepEqual(readdirSync(out), [inTheWay]);
  rmSync(join(out, inTheWay), { recursive: true });
  run('--output', out);
  assert.equal(readdirSync(out).length, 10);
});

/** All that is stored of a site, by table: {letter and value: number}. */
async function stored(site) {
  const tables = {};
  for (const key of await footfall.redis().keys()) {
    const table = key.match(new RegExp(`:${site}:live:${date.replaceAll('-', '')}:(.*)$`))?.[1];
    if (table) tables[table] = Object.fromEntries(countsOf(table, await footfall.redis().hash(key)).filter(([field, number]) => field[0] !== '@' && number !== 0));
  }
  return tables;
}

async function importInto(site, ...words) {
  const result = footfall.command('import', '--data', footfall.data, '--site', site, '--format', 'plausible', ...words);
  await footfall.settle();
  return result;
}

test('an export imported into a fresh site is exported the same', async () => {
  const [first, second, other] = ['there', 'back', 'again'].map((name) => join(folder, name));
  await footfall.addSite('fresh.example', { timezone: 'Etc/GMT-14' }); // its day is not behind
  run('--output', first);
  const imported = await importInto('fresh.example', first);
  assert.equal(imported.code, 0, imported.error);
  const exportFresh = (out) => footfall.command('export', '--data', footfall.data, '--site', 'fresh.example', '--output', out, '--from', date, '--to', date);
  assert.equal(exportFresh(second).code, 0);
  for (const name of readdirSync(first)) {
    const read = (out) => rowsOf(readFileSync(join(out, name), 'utf8').replaceAll('fresh.example', SITE));
    const [head, ...rows] = read(first);
    const [headAgain, ...rowsAgain] = read(second);
    assert.deepEqual(headAgain, head);
    assert.equal(rowsAgain.length, rows.length);
    // Visitors of a name with details are the sum over these, which estimates need not be.
    const isSum = /locations|browsers|operating|custom_events/.test(name);
    const visitors = head.indexOf('visitors');
    for (const [at, row] of rows.entries())
      for (const [column, field] of row.entries())
        if (column !== visitors) assert.equal(rowsAgain[at][column], field, `${head[column]} of ${row.join(' ')} in ${name}`);
        else assert.ok(Math.abs(rowsAgain[at][column] - field) <= (isSum ? 2 : 0), `${rowsAgain[at][column]} visitors of ${row.join(' ')} in ${name}`);
  }
  // Tables of which each name has a row of its own are the same at rest.
  const [from, to] = [await stored(SITE), await stored('fresh.example')];
  for (const table of ['page', 'entry_page', 'source', 'device']) {
    const carried = Object.entries(from[table]).filter(([field]) => !'c'.includes(field[0]) && !(table !== 'page' && 'enpq'.includes(field[0])));
    assert.deepEqual(to[table], Object.fromEntries(carried), table);
  }
  // Hours are not in the family, and the audit knows what came without.
  assert.equal(to.time['v(other)'], to.total.v);
  const audit = footfall.command('audit', '--data', footfall.data, '--json');
  assert.deepEqual(JSON.parse(audit.out).breaches, [], audit.error);
  const before = await stored('fresh.example');
  const again = await importInto('fresh.example', first);
  assert.equal(again.code, 0, again.error);
  assert.equal(again.out.match(/nothing is new/g).length, 10);
  assert.deepEqual(await stored('fresh.example'), before);
  assert.equal(exportFresh(other).code, 0);
  for (const name of readdirSync(second)) assert.deepEqual(readFileSync(join(other, name)), readFileSync(join(second, name)));
});

test('what is asked wrongly is told', () => {
  const ask = (...words) => footfall.command('export', '--data', footfall.data, ...words);
  const out = join(folder, 'none');
  assert.equal(ask('--site', SITE).code, 2);
  assert.equal(ask('--site', SITE, '--output', out, '--from', 'yesterday').code, 2);
  assert.match(ask('--site', 'other.example', '--output', out).error, /no such site/);
  assert.match(ask('--site', SITE, '--output', out, '--to', '2020-01-01').error, /nothing is kept of these days/);
  assert.ok(!existsSync(out));
});
