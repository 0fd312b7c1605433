// What one filter leaves of each panel: never a question that the server refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canFilter, filterText, formatFilter, headlineOf, narrow, parseFilter } from '../src/filters';
import { PANELS, PANEL_IDS, breakdownsOf } from '../src/panels';

const BREAKDOWNS = PANEL_IDS.flatMap((id) => breakdownsOf(PANELS[id]));
const CROSSED = [
  'event:page',
  'event:goal',
  ...['entry_page', 'source', 'channel', 'utm_campaign', 'country', 'device', 'browser', 'os'].map(
    (name) => `visit:${name}`,
  ),
];
const breakdownOf = (dimension) => BREAKDOWNS.find((each) => each.dimension === dimension);

test('a filter survives its address', () => {
  for (const dimension of CROSSED) {
    const filter = { dimension, value: 'a:b=c' };
    assert.deepEqual(parseFilter(formatFilter(filter)), filter);
  }
  assert.equal(filterText({ dimension: 'visit:country', value: 'NL' }), 'Country: Netherlands');
});

test('what can filter is what is counted together', () => {
  for (const { dimension } of BREAKDOWNS)
    assert.equal(canFilter(dimension, 'x'), CROSSED.includes(dimension), dimension);
});

test('without a filter, and of the filtered dimension itself, all is kept', () => {
  for (const breakdown of BREAKDOWNS) {
    assert.deepEqual(narrow(breakdown, null, 'strict'), { breakdown });
    const filter = { dimension: breakdown.dimension, value: 'x' };
    assert.deepEqual(narrow(breakdown, filter, 'strict'), { breakdown });
  }
});

test('two dimensions have visits and views, or visits and events', () => {
  for (const filtered of CROSSED) {
    for (const breakdown of BREAKDOWNS.filter((each) => each.dimension !== filtered)) {
      const narrowed = narrow(breakdown, { dimension: filtered, value: 'x' }, 'standard');
      const isOfGoals = [filtered, breakdown.dimension].includes('event:goal');
      if (filtered === 'visit:country' && breakdown.dimension === 'visit:region')
        assert.deepEqual(narrowed, { breakdown });
      else if (CROSSED.includes(breakdown.dimension)) {
        assert.deepEqual(narrowed.breakdown.metrics, ['visits', isOfGoals ? 'events' : 'pageviews']);
        assert.deepEqual(narrowed.breakdown.more, narrowed.breakdown.metrics);
      } else assert.match(narrowed.sentence, /not counted together with/, breakdown.dimension);
    }
  }
});

test('a strict site says that nothing narrows', () => {
  const country = { dimension: 'visit:country', value: 'NL' };
  assert.match(narrow(breakdownOf('event:page'), country, 'strict').sentence, /preset/);
  assert.ok('breakdown' in narrow(breakdownOf('visit:region'), country, 'strict'));
});

test('an event’s headline is of events', () => {
  assert.deepEqual(headlineOf({ dimension: 'event:goal', value: 'x' }), [
    'visitors',
    'visits',
    'events',
  ]);
  assert.equal(headlineOf({ dimension: 'event:page', value: '/' }).length, 6);
  assert.equal(headlineOf(null).length, 6);
});
