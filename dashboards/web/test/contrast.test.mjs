// Text can be read: the colours of app.css keep the contrast of WCAG's level AA, light and dark.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const css = readFileSync(new URL('app.css', process.env.WEB_SOURCE), 'utf8');
const [light, dark] = [...css.matchAll(/:root \{([^}]*)\}/g)].map(([, block]) =>
  Object.fromEntries(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]),
  ),
);

function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [more, less] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (more + 0.05) / (less + 0.05);
}

test('the measure is WCAG’s', () => {
  assert.equal(contrast('#000000', '#ffffff'), 21);
  assert.ok(Math.abs(contrast('#777777', '#ffffff') - 4.48) < 0.01);
});

test('text keeps 4.5 to 1, and what is drawn 3 to 1', () => {
  const pairs = [
    ['text', ['page', 'card', 'raised', 'hover', 'bar'], 4.5],
    ['muted', ['page', 'card', 'raised', 'hover'], 4.5],
    ['accent-text', ['page', 'card', 'raised', 'bar'], 4.5],
    ['good', ['card', 'hover'], 4.5],
    ['bad', ['card', 'hover'], 4.5],
    ['on-accent', ['accent'], 4.5],
    ['accent', ['card', 'page'], 3],
    ['live', ['card'], 3],
  ];
  for (const [name, theme] of [
    ['light', light],
    ['dark', dark],
  ]) {
    for (const [front, backs, least] of pairs) {
      for (const back of backs) {
        const found = contrast(theme[front], theme[back]);
        assert.ok(found >= least, `${name}: ${front} on ${back} is ${found.toFixed(2)}`);
      }
    }
  }
});
