// What values are called, and that none can pass for another.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DROP_REASONS, flagOf, nameOf, pageUrl } from '../src/names';

test('countries, regions and languages have names', () => {
  assert.deepEqual(nameOf('visit:country', 'NL'), { text: 'Netherlands', mark: '🇳🇱' });
  assert.deepEqual(nameOf('visit:region', 'NL-ZH'), {
    text: 'ZH',
    detail: 'Netherlands',
    mark: '🇳🇱',
  });
  assert.deepEqual(nameOf('visit:region', 'NL-North Holland'), {
    text: 'North Holland',
    detail: 'Netherlands',
    mark: '🇳🇱',
  });
  assert.equal(nameOf('visit:region', 'NL').text, 'Netherlands');
  assert.equal(nameOf('visit:language', 'nl').text, 'Dutch');
  assert.equal(nameOf('visit:screen', 'Mobile').detail, 'up to 575 px');
});

test('what has no name is shown as it is', () => {
  assert.equal(nameOf('visit:country', 'ZZZ').text, 'ZZZ');
  assert.equal(nameOf('visit:language', '<b>').text, '<b>');
  assert.deepEqual(nameOf('visit:screen', 'constructor'), { text: 'constructor' });
  assert.equal(nameOf('event:page', '/<script>').text, '/<script>');
  assert.equal(nameOf('event:page', '').text, 'Not known');
  assert.equal(nameOf('visit:source', '(other)').text, 'Everything else');
});

test('invisible characters show', () => {
  assert.equal(nameOf('event:page', '/\u202etxt.exe').text, '/\ufffdtxt.exe');
  assert.equal(nameOf('event:page', '/a\u0000\u200bb\n').text, '/a\ufffd\ufffdb\ufffd');
  assert.equal(nameOf('event:page', '/日本語/שלום').text, '/日本語/שלום');
});

test('why something was not counted is said in the words of the collector', () => {
  const list = readFileSync(new URL('../../collector/drop.h', process.env.WEB_SOURCE), 'utf8');
  const reasons = [...list.matchAll(/X\(\w+, "(\w+)",\s*"([^"]+)"\)/g)].map((each) => each.slice(1));
  assert.ok(reasons.length > 0);
  assert.deepEqual([...DROP_REASONS], reasons);
  for (const [reason, meaning] of reasons) {
    const name = nameOf('event:drop_reason', reason);
    assert.equal(name.detail, meaning);
    assert.notEqual(name.text, reason);
  }
  assert.deepEqual(nameOf('event:drop_reason', 'later'), { text: 'later' });
});

test('only two capitals are a flag', () => {
  assert.equal(flagOf('DE'), '🇩🇪');
  for (const code of ['', 'D', 'de', 'DEU', '12']) assert.equal(flagOf(code), '');
});

test('a page’s address stays on its site', () => {
  const url = (value) => pageUrl('example.com', 'event:page', value);
  assert.equal(url('/a b/ü?x#y'), 'https://example.com/a%20b/%C3%BC%3Fx%23y');
  assert.equal(url('//evil.example/'), 'https://example.com//evil.example/');
  for (const value of ['(other)', '', 'javascript:alert(1)', '/blog/:id', '/half\ud800'])
    assert.equal(url(value), null, value);
  assert.equal(pageUrl('example.com', 'visit:source', '/a'), null);
});
