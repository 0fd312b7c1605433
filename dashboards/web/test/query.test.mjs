// Requests in the query API's shape, and what is read from its answers and its live stream.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLive } from '../src/api';
import { PANELS, PANEL_IDS, breakdownsOf } from '../src/panels';
import * as query from '../src/query';

const WEEK = { from: '2026-11-17', to: '2026-11-23' };

test('totals ask for nothing else', () => {
  assert.deepEqual(query.totalsRequest('example.com', ['visitors'], WEEK), {
    site_id: 'example.com',
    metrics: ['visitors'],
    date_range: ['2026-11-17', '2026-11-23'],
  });
});

test('a series asks for its labels', () => {
  const request = query.seriesRequest('example.com', ['visits'], WEEK, 'day');
  assert.deepEqual(request.dimensions, ['time:day']);
  assert.deepEqual(request.include, { time_labels: true });
});

test('a filter goes with totals and series', () => {
  const filter = { dimension: 'event:page', value: '/a:b' };
  const filters = [['is', 'event:page', ['/a:b']]];
  assert.deepEqual(query.totalsRequest('s', ['visits'], WEEK, filter).filters, filters);
  assert.deepEqual(query.seriesRequest('s', ['visits'], WEEK, 'day', filter).filters, filters);
  assert.ok(!('filters' in query.seriesRequest('s', ['visits'], WEEK, 'day')));
});

test('what was cut off is said once', () => {
  const told = { code: 'pairs_cut', warning: 'Not every pair.' };
  const answer = (metric_warnings) => ({ results: [], meta: { metric_warnings } });
  assert.equal(query.rowsWarning(answer({ visits: told, pageviews: told })), 'Not every pair.');
  assert.equal(query.rowsWarning(answer({ visitors: { code: 'days_added_up', warning: 'x' } })), null);
  assert.equal(query.rowsWarning({ results: [] }), null);
  assert.equal(query.rowsWarning(null), null);
});

test('a breakdown is sorted by its first metric', () => {
  const request = query.breakdownRequest('s', {
    breakdown: breakdownsOf(PANELS.sources)[0],
    metrics: ['visitors', 'visits'],
    range: WEEK,
    filter: null,
    pagination: { limit: 9, offset: 0 },
  });
  assert.deepEqual(request.order_by, [['visitors', 'desc']]);
  assert.deepEqual(request.dimensions, ['visit:source']);
  assert.deepEqual(request.pagination, { limit: 9, offset: 0 });
});

test('no breakdown asks for what is not kept', () => {
  const session = ['views_per_visit', 'visit_duration'];
  for (const id of PANEL_IDS) {
    for (const { dimension, metrics, more } of breakdownsOf(PANELS[id])) {
      const asked = [...metrics, ...more];
      assert.ok(more.includes(metrics[0]), dimension);
      if (dimension === 'visit:exit_page') assert.ok(!asked.includes('visitors'));
      if (dimension.startsWith('event:'))
        assert.ok(!asked.some((metric) => session.includes(metric)), dimension);
      else assert.ok(!asked.includes('time_on_page') && !asked.includes('events'), dimension);
    }
  }
});

test('the first day is the first row’s, and none where there is none', () => {
  const request = query.firstDayRequest('example.com');
  assert.equal(request.date_range, 'all');
  assert.deepEqual(request.order_by, [['time:day', 'asc']]);
  assert.deepEqual(request.pagination, { limit: 1, offset: 0 });
  const answered = (...dimensions) =>
    query.answeredFirstDay({
      results: dimensions.map((each) => ({ metrics: [1], dimensions: [each] })),
    });
  assert.equal(answered('2026-01-02'), '2026-01-02');
  assert.equal(answered('2026-01-02 00:00:00', '2026-01-03'), '2026-01-02');
  assert.equal(answered(), null);
  assert.equal(answered('nonsense'), null);
  assert.equal(query.answeredFirstDay({ results: [{ metrics: [], dimensions: [] }] }), null);
});

test('campaigns leave out the visits that had none', () => {
  const campaign = breakdownsOf(PANELS.sources).find((each) => each.id === 'utm_campaign');
  const ask = {
    breakdown: campaign,
    metrics: ['visitors'],
    range: WEEK,
    filter: null,
    pagination: { limit: 9, offset: 0 },
  };
  const request = query.breakdownRequest('s', ask);
  assert.deepEqual(request.filters, [['is_not', 'visit:utm_campaign', ['(not set)']]]);
  const filter = { dimension: 'visit:country', value: 'NL' };
  assert.deepEqual(query.breakdownRequest('s', { ...ask, filter }).filters, [
    ['is', 'visit:country', ['NL']],
    ['is_not', 'visit:utm_campaign', ['(not set)']],
  ]);
  assert.equal(
    new URL(query.exportUrl(request), 'http://x').searchParams.get('filters'),
    JSON.stringify(request.filters),
  );
});

test('an export’s address holds the whole request', () => {
  const request = query.breakdownRequest('a b.com', {
    breakdown: breakdownsOf(PANELS.pages)[0],
    metrics: ['visitors', 'visits'],
    range: WEEK,
    filter: null,
    pagination: { limit: 10_000, offset: 0 },
  });
  const url = new URL(query.exportUrl(request), 'http://x');
  assert.equal(url.pathname, '/api/v2/export/a%20b.com.csv');
  assert.equal(url.searchParams.get('metrics'), 'visitors,visits');
  assert.equal(url.searchParams.get('date_range'), '2026-11-17,2026-11-23');
  assert.equal(url.searchParams.get('dimensions'), 'event:page');
});

test('a live message is read, and nonsense is none', () => {
  const now = parseLive('{"active":3,"minutes":[0,"x",-1,2],"pages":[{"path":"/a","visits":2},7]}');
  assert.deepEqual(now, { active: 3, minutes: [0, 0, 0, 2], pages: [{ path: '/a', visits: 2 }] });
  assert.deepEqual(parseLive('{}'), { active: 0, minutes: [], pages: [] });
  for (const text of ['', 'x', 'null', '3', '"{}"']) assert.equal(parseLive(text), null);
});
