// What the chart draws: gaps, the bucket that runs, and the time before.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf, seriesOf } from '../src/series';

const RANGE = { from: '2026-11-20', to: '2026-11-23' };
const NOW = { day: '2026-11-23', hour: 14 };
// visitors, visits, pageviews, views per visit, bounce rate, duration
const row = (label, visitors, bounces) => ({
  metrics: [visitors, 0, 0, 0, bounces, 0],
  dimensions: [label],
});
const ANSWER = {
  results: [row('2026-11-20', 5, 40), row('2026-11-22', 7, 50), row('2026-11-23', 3, 60)],
};

test('days without a row are zero visitors, and no bounce rate', () => {
  const of = (metric) => seriesOf(ANSWER, RANGE, 'day', metric, null);
  assert.deepEqual(of('visitors').labels, ['2026-11-20', '2026-11-21', '2026-11-22', '2026-11-23']);
  assert.deepEqual(of('visitors').values, [5, 0, 7, 3]);
  assert.deepEqual(of('bounce_rate').values, [40, null, 50, 60]);
  assert.equal(of('visitors').before, null);
});

test('the server’s labels go before our own', () => {
  const answer = { ...ANSWER, meta: { time_labels: ['2026-11-22', '2026-11-23'] } };
  assert.deepEqual(seriesOf(answer, RANGE, 'day', 'visitors', null).values, [7, 3]);
});

test('the running day is dashed from the last full one, and not part of the line', () => {
  const [at, done, running, before] = columnsOf(
    seriesOf(ANSWER, RANGE, 'day', 'visitors', null),
    NOW,
  );
  assert.deepEqual(at, [0, 1, 2, 3]);
  assert.deepEqual(done, [5, 0, 7, null]);
  assert.deepEqual(running, [null, null, 7, 3]);
  assert.deepEqual(before, [null, null, null, null]);
});

test('hours to come are empty', () => {
  const day = { from: '2026-11-23', to: '2026-11-23' };
  const hours = { results: [row('2026-11-23 13:00:00', 4, 0), row('2026-11-23 14:00:00', 2, 0)] };
  const [, done, running] = columnsOf(seriesOf(hours, day, 'hour', 'visitors', null), NOW);
  assert.deepEqual([done[0], done[13], done[14], done[15]], [0, 4, null, null]);
  assert.deepEqual([running[12], running[13], running[14], running[15]], [null, 4, 2, null]);
});

test('a period that is over has nothing dashed', () => {
  const [, done, running] = columnsOf(seriesOf(ANSWER, RANGE, 'day', 'visitors', null), {
    day: '2026-11-24',
    hour: 0,
  });
  assert.deepEqual(done, [5, 0, 7, 3]);
  assert.ok(running.every((value) => value === null));
});

test('the time before is aligned by position, also when it is shorter', () => {
  const before = {
    answer: { results: [row('2026-02-28', 9, 0)] },
    range: { from: '2026-02-26', to: '2026-02-28' },
  };
  const [, , , column] = columnsOf(seriesOf(ANSWER, RANGE, 'day', 'visitors', before), NOW);
  assert.deepEqual(column, [0, 0, 9, null]);
});
