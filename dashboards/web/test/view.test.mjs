// The URL is the state: what is written is read back, and nonsense falls to the defaults.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PANELS, PANEL_IDS, breakdownsOf } from '../src/panels';
import { formatView, parseView } from '../src/view';

const read = (address) => {
  const url = new URL(address, 'http://x');
  return parseView(url.pathname, url.search);
};

test('defaults stay out of the address', () => {
  assert.equal(formatView(read('/example.com')), '/example.com');
  assert.equal(formatView(read('/')), '/');
  assert.equal(
    formatView(read('/example.com?period=7d&compare=previous_period&metric=visitors&pages=all')),
    '/example.com',
  );
});

test('every state survives its address', () => {
  const addresses = [
    '/example.com?period=today',
    '/example.com?period=all&compare=none',
    '/example.com?compare=year_over_year&metric=bounce_rate&interval=week',
    '/example.com?from=2026-10-01&to=2026-10-31',
    '/example.com?details=pages&page=3',
    '/example.com?metric=events&filter=goal%3Asignup',
    '/example.com?filter=page%3A%2Fa%3Ab',
    '/example.com?period=12mo&metric=visit_duration&pages=exit&sources=utm_campaign&places=region&devices=os_version',
  ];
  for (const address of addresses) assert.equal(formatView(read(address)), address);
});

test('every breakdown of every panel has an address of its own', () => {
  for (const id of PANEL_IDS) {
    const seen = new Set();
    for (const breakdown of breakdownsOf(PANELS[id])) {
      assert.ok(!seen.has(breakdown.id), breakdown.id);
      seen.add(breakdown.id);
      assert.equal(read(`/s?${id}=${breakdown.id}`).breakdowns[id], breakdown.id);
    }
  }
});

test('what is not understood takes the default', () => {
  const nonsense = [
    '?period=century',
    '?period=',
    '?from=2026-02-30&to=2026-03-01',
    '?from=2026-03-02&to=2026-03-01',
    '?from=2026-03-01',
    '?metric=money',
    '?interval=second',
    '?compare=mars',
    '?filter=country',
    '?filter=country:',
    '?filter=:NL',
    '?filter=planet:Mars',
    '?filter=region:NL-NH',
    '?filter=__proto__:x',
    '?filter=country:(other)',
    '?filter=utm_campaign:(not set)',
    `?filter=page:${'x'.repeat(513)}`,
    '?pages=__proto__',
    '?devices=constructor',
    '?details=nothing',
    '?page=-1',
    '?page=1e9',
    '?%ff=%fe',
  ];
  for (const query of nonsense) {
    const { comparison, ...rest } = read(`/example.com${query}`);
    const { comparison: usual, ...defaults } = read('/example.com');
    assert.deepEqual(rest, defaults, query);
    assert.equal(comparison, usual, query);
  }
});

test('a page number is kept within reason', () => {
  assert.equal(read('/s?details=pages&page=0').detailsPage, 1);
  assert.equal(read('/s?details=pages&page=1000').detailsPage, 1000);
  assert.equal(read('/s?details=pages&page=1001').detailsPage, 1000);
});

test('a site’s name is decoded, never trusted', () => {
  assert.equal(read('/EXAMPLE.com/').site, 'example.com');
  assert.equal(parseView('/%zz', '').site, '%zz');
  assert.equal(formatView({ ...read('/'), site: '<b>"&?#/' }), '/%3Cb%3E%22%26%3F%23%2F');
});
