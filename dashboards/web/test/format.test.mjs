// Numbers as readers see them, at the edges where they change shape.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as format from '../src/format';

test('a missing number is a dash, never a zero', () => {
  for (const each of [
    format.formatCount,
    format.formatShort,
    format.formatRatio,
    format.formatPercent,
    format.formatSeconds,
  ]) {
    for (const value of [null, undefined, NaN, Infinity]) assert.equal(each(value), '–');
    assert.notEqual(each(0), '–');
  }
});

test('large numbers are cut without lying', () => {
  const cases = [
    [0, '0'],
    [9999, '9,999'],
    [10_000, '10k'],
    [10_449, '10.4k'],
    [99_949, '99.9k'],
    [99_950, '100k'],
    [123_456, '123k'],
    [999_499, '999k'],
    [999_500, '1M'],
    [1_250_000, '1.3M'],
    [99_950_000, '100M'],
    [2_500_000_000, '2.5B'],
  ];
  for (const [value, text] of cases) assert.equal(format.formatShort(value), text, String(value));
});

test('seconds become minutes and hours', () => {
  const cases = [
    [0, '0s'],
    [59.4, '59s'],
    [59.5, '1m 00s'],
    [60, '1m 00s'],
    [125, '2m 05s'],
    [3599, '59m 59s'],
    [3600, '1h 00m'],
    [7290, '2h 01m'],
    [-5, '0s'],
  ];
  for (const [value, text] of cases) assert.equal(format.formatSeconds(value), text, String(value));
});

test('a share is never 0% of something', () => {
  assert.equal(format.formatShare(1, 1000), '<1%');
  assert.equal(format.formatShare(70, 10_000), '<1%');
  assert.equal(format.formatShare(0, 1000), '0%');
  assert.equal(format.formatShare(95, 10_000), '1%');
  assert.equal(format.formatShare(1, 3), '33%');
  assert.equal(format.formatShare(1, 0), '–');
  assert.equal(format.formatShare(1, null), '–');
});

test('a change has a direction, and none where there was nothing', () => {
  assert.deepEqual(format.changeOf(110, 100, false), { direction: 'up', text: '10%' });
  assert.deepEqual(format.changeOf(0, 100, false), { direction: 'down', text: '100%' });
  assert.deepEqual(format.changeOf(1001, 1000, false), { direction: 'same', text: '0%' });
  assert.deepEqual(format.changeOf(45, 44, true), { direction: 'up', text: '1 pt' });
  assert.deepEqual(format.changeOf(40, 0, true), { direction: 'up', text: '40 pts' });
  assert.equal(format.changeOf(5, 0, false), null);
  assert.equal(format.changeOf(null, 5, false), null);
  assert.equal(format.changeOf(5, undefined, true), null);
});

test('one is not many', () => {
  assert.equal(format.plural(1, 'view', 'views'), '1 view');
  assert.equal(format.plural(0, 'view', 'views'), '0 views');
  assert.equal(format.plural(1200, 'view', 'views'), '1,200 views');
});

test('how long counts are kept is told as the server says', () => {
  assert.equal(
    format.keptText({ keep_days: 25, keep_months: 60 }),
    'Counts by day are kept for 25 months, then by month until they are 60 months old.',
  );
  assert.equal(
    format.keptText({ keep_days: 1, keep_months: 0 }),
    'Counts by day are kept for 1 month, then deleted.',
  );
  assert.equal(format.keptText({ keep_days: 25, keep_months: 25 }), format.keptText({ keep_days: 25, keep_months: 0 }));
  assert.equal(format.keptText({}), '');
});
