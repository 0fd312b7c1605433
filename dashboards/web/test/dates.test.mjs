// Days, periods and buckets: month ends, leap years, time zones, daylight saving.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as dates from '../src/dates';

const range = (from, to = from) => ({ from, to });
const TODAY = '2026-11-23'; // a Monday

test('only real calendar days are days', () => {
  for (const day of ['2026-11-23', '2024-02-29', '2000-01-01', '2199-12-31'])
    assert.ok(dates.isDay(day), day);
  for (const day of [
    '2026-02-29',
    '2026-02-30',
    '2026-13-01',
    '2026-1-1',
    '1999-12-31',
    '2200-01-01',
    '',
    'today',
    '2026-11-23T00',
    '+10000-01-01',
  ])
    assert.ok(!dates.isDay(day), day);
});

test('the wall clock is the site’s, over midnight and daylight saving', () => {
  const cases = [
    ['2026-11-23T23:30:00Z', 'UTC', '2026-11-23', 23],
    ['2026-11-23T23:30:00Z', 'Europe/Amsterdam', '2026-11-24', 0],
    ['2026-07-01T22:00:00Z', 'Europe/Amsterdam', '2026-07-02', 0],
    ['2026-03-29T00:59:00Z', 'Europe/Amsterdam', '2026-03-29', 1],
    ['2026-03-29T01:00:00Z', 'Europe/Amsterdam', '2026-03-29', 3],
    ['2026-11-23T02:00:00Z', 'America/Los_Angeles', '2026-11-22', 18],
    ['2026-11-23T18:30:00Z', 'Asia/Kolkata', '2026-11-24', 0],
    ['2026-11-23T12:00:00Z', 'No/Where', '2026-11-23', 12],
  ];
  for (const [now, zone, day, hour] of cases)
    assert.deepEqual(dates.wallClock(new Date(now), zone), { day, hour }, `${now} ${zone}`);
});

test('days and months are added over month ends and leap years', () => {
  assert.equal(dates.addDays('2026-02-28', 1), '2026-03-01');
  assert.equal(dates.addDays('2024-02-28', 1), '2024-02-29');
  assert.equal(dates.addDays('2026-01-01', -1), '2025-12-31');
  assert.equal(dates.addMonths('2026-01-31', 1), '2026-02-28');
  assert.equal(dates.addMonths('2024-02-29', 12), '2025-02-28');
  assert.equal(dates.addMonths('2026-03-31', -13), '2025-02-28');
  assert.equal(dates.lastOfMonth('2026-12-05'), '2026-12-31');
  assert.equal(dates.mondayOf('2026-11-23'), '2026-11-23');
  assert.equal(dates.mondayOf('2026-11-22'), '2026-11-16');
  assert.equal(dates.dayCount(range('2026-03-01', '2026-03-31')), 31);
  assert.equal(dates.dayCount(range(TODAY)), 1);
});

test('named periods end today', () => {
  assert.deepEqual(dates.rangeOf('today', TODAY), range(TODAY));
  assert.deepEqual(dates.rangeOf('yesterday', '2026-03-01'), range('2026-02-28'));
  assert.deepEqual(dates.rangeOf('7d', TODAY), range('2026-11-17', TODAY));
  assert.deepEqual(dates.rangeOf('28d', TODAY), range('2026-10-27', TODAY));
  assert.deepEqual(dates.rangeOf('30d', TODAY), range('2026-10-25', TODAY));
  assert.deepEqual(dates.rangeOf('month', TODAY), range('2026-11-01', TODAY));
  assert.deepEqual(dates.rangeOf('12mo', TODAY), range('2025-12-01', TODAY));
  assert.deepEqual(dates.rangeOf('year', TODAY), range('2026-01-01', TODAY));
  assert.equal(dates.rangeOf('all', TODAY), null);
  assert.deepEqual(dates.rangeOf('all', TODAY, '2024-05-06'), range('2024-05-06', TODAY));
  assert.deepEqual(dates.rangeOf('all', TODAY, '2026-11-24'), range(TODAY));
  assert.deepEqual(
    dates.rangeOf(range('2026-01-02', '2026-01-05'), TODAY),
    range('2026-01-02', '2026-01-05'),
  );
});

test('stepping keeps months months and years years, and never leaves the present', () => {
  const step = (period, steps) => dates.shiftPeriod(period, steps, TODAY);
  assert.equal(step('today', -1), 'yesterday');
  assert.deepEqual(step('yesterday', -1), range('2026-11-21'));
  assert.equal(step('yesterday', 1), 'today');
  assert.equal(step('today', 1), null);
  assert.deepEqual(step('7d', -1), range('2026-11-10', '2026-11-16'));
  assert.deepEqual(step('month', -1), range('2026-10-01', '2026-10-31'));
  assert.equal(step(range('2026-10-01', '2026-10-31'), 1), 'month');
  assert.deepEqual(step(range('2026-03-01', '2026-03-31'), -1), range('2026-02-01', '2026-02-28'));
  assert.deepEqual(step('year', -1), range('2025-01-01', '2025-12-31'));
  assert.equal(step(range('2025-01-01', '2025-12-31'), 1), 'year');
  assert.equal(step('all', -1), null);
  assert.deepEqual(step(range('2026-11-18', '2026-11-20'), 1), range('2026-11-21', '2026-11-23'));
  assert.equal(step(range('2026-11-20', '2026-11-22'), 1), 'today');
  assert.deepEqual(dates.shiftPeriod('year', -1, '2026-01-15'), range('2025-01-01', '2025-12-31'));
  assert.deepEqual(dates.shiftPeriod('month', -1, '2026-01-15'), range('2025-12-01', '2025-12-31'));
});

test('a period is compared with its like', () => {
  const before = (of, today = TODAY) => dates.comparedRange(of, 'previous_period', today);
  assert.deepEqual(before(range('2026-11-17', TODAY)), range('2026-11-10', '2026-11-16'));
  assert.deepEqual(before(range(TODAY)), range('2026-11-22'));
  assert.deepEqual(before(range('2026-11-01', TODAY)), range('2026-10-01', '2026-10-23'));
  assert.deepEqual(before(range('2026-03-01', '2026-03-31')), range('2026-02-01', '2026-02-28'));
  assert.deepEqual(before(range('2025-12-01', TODAY)), range('2024-12-01', '2025-11-23'));
  assert.deepEqual(before(range('2026-01-01', TODAY)), range('2025-02-01', '2025-12-23'));
  assert.deepEqual(before(range('2025-01-01', '2025-12-31')), range('2024-01-01', '2024-12-31'));
  const year = (of) => dates.comparedRange(of, 'year_over_year', TODAY);
  assert.deepEqual(year(range('2024-02-29')), range('2023-02-28'));
  assert.deepEqual(year(range('2026-11-17', TODAY)), range('2025-11-17', '2025-11-23'));
});

test('a change is taken over full days', () => {
  const week = range('2026-11-17', TODAY);
  const before = range('2026-11-10', '2026-11-16');
  assert.deepEqual(dates.fullDays(week, before, TODAY), {
    range: range('2026-11-17', '2026-11-22'),
    compared: range('2026-11-10', '2026-11-15'),
  });
  assert.deepEqual(dates.fullDays(week, before, '2026-11-24'), { range: week, compared: before });
  assert.equal(dates.fullDays(range(TODAY), range('2026-11-22'), TODAY), null);
});

test('the interval suits the length', () => {
  const first = (from, to) => dates.intervalsOf(range(from, to))[0];
  assert.equal(first(TODAY, TODAY), 'hour');
  assert.equal(first('2026-11-22', TODAY), 'day');
  assert.equal(first('2026-08-16', TODAY), 'day'); // 100 days
  assert.equal(first('2026-08-15', TODAY), 'week'); // 101
  assert.equal(first('2026-05-08', TODAY), 'week'); // 200
  assert.equal(first('2026-05-07', TODAY), 'month'); // 201
});

test('buckets have labels as the server spells them, one key for each spelling', () => {
  assert.equal(dates.bucketLabels(range(TODAY), 'hour').length, 24);
  assert.equal(dates.bucketLabels(range(TODAY), 'hour')[9], '2026-11-23 09:00:00');
  assert.deepEqual(dates.bucketLabels(range('2026-02-27', '2026-03-01'), 'day'), [
    '2026-02-27',
    '2026-02-28',
    '2026-03-01',
  ]);
  assert.deepEqual(dates.bucketLabels(range('2026-11-11', TODAY), 'week'), [
    '2026-11-11',
    '2026-11-16',
    '2026-11-23',
  ]);
  assert.deepEqual(dates.bucketLabels(range('2025-12-15', '2026-02-01'), 'month'), [
    '2025-12-15',
    '2026-01-01',
    '2026-02-01',
  ]);
  assert.equal(dates.bucketKey('2025-12-15', 'month'), dates.bucketKey('2025-12-01', 'month'));
  assert.equal(dates.bucketKey('2026-11-11', 'week'), dates.bucketKey('2026-11-09', 'week'));
  assert.equal(
    dates.bucketKey('2026-11-23T09:00:00', 'hour'),
    dates.bucketKey('2026-11-23 09:00:00', 'hour'),
  );
});

test('the running bucket is told from what is over and what is to come', () => {
  const now = { day: TODAY, hour: 14 };
  const state = (label, interval) => dates.bucketState(label, interval, now);
  assert.equal(state('2026-11-23 13:00:00', 'hour'), 'past');
  assert.equal(state('2026-11-23 14:00:00', 'hour'), 'running');
  assert.equal(state('2026-11-23 15:00:00', 'hour'), 'future');
  assert.equal(state('2026-11-22 23:00:00', 'hour'), 'past');
  assert.equal(state('2026-11-22', 'day'), 'past');
  assert.equal(state('2026-11-23', 'day'), 'running');
  assert.equal(state('2026-11-24', 'day'), 'future');
  assert.equal(state('2026-11-16', 'week'), 'past');
  assert.equal(state('2026-11-23', 'week'), 'running');
  assert.equal(state('2026-10-01', 'month'), 'past');
  assert.equal(state('2026-11-01', 'month'), 'running');
  assert.equal(state('2026-12-01', 'month'), 'future');
});

test('an axis has no more texts than fit, evenly', () => {
  assert.deepEqual(dates.tickIndexes(24, 'hour', 10), [0, 3, 6, 9, 12, 15, 18, 21]);
  assert.deepEqual(dates.tickIndexes(7, 'day', 7), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(dates.tickIndexes(7, 'day', 6), [0, 2, 4, 6]);
  assert.deepEqual(dates.tickIndexes(1, 'day', 0), [0]);
  assert.deepEqual(dates.tickIndexes(0, 'day', 5), []);
  for (let count = 1; count < 400; count += 7)
    for (let most = 1; most < 14; most++)
      assert.ok(dates.tickIndexes(count, 'day', most).length <= most);
});

test('dates read naturally', () => {
  const text = (from, to) => dates.rangeText(range(from, to), TODAY);
  assert.equal(text(TODAY, TODAY), 'Mon 23 Nov 2026');
  assert.equal(text('2026-11-17', TODAY), '17 – 23 Nov 2026');
  assert.equal(text('2026-10-27', TODAY), '27 Oct – 23 Nov 2026');
  assert.equal(text('2025-12-01', TODAY), '1 Dec 2025 – 23 Nov 2026');
  assert.equal(text('2026-10-01', '2026-10-31'), 'Oct 2026');
  assert.equal(text('2025-01-01', '2025-12-31'), '2025');
  assert.equal(text('2026-11-01', TODAY), '1 – 23 Nov 2026');
  assert.equal(dates.bucketText('2026-11-23 23:00:00', 'hour'), '23:00 – 24:00');
  assert.equal(dates.bucketText('2026-11-23', 'week'), 'Week of 23 Nov 2026');
  assert.equal(dates.tickText('2026-11-23 09:00:00', 'hour', false), '09:00');
  assert.equal(dates.tickText('2026-11-01', 'month', true), 'Nov ’26');
});
