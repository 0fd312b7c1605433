// Bundles the pages: `node build.mjs OUT` writes index.html, app.js, app.css and icon.svg, each
// with its gzip sibling, and etags.h, which the C side serves them by. Run by CMake.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as zopfli from '@gfx/zopfli';
import * as esbuild from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) throw new Error('usage: node build.mjs OUT');

const bundle = await esbuild.build({
  absWorkingDir: here,
  entryPoints: [
    { in: 'src/main.tsx', out: 'app' },
    { in: 'app.css', out: 'app' },
  ],
  bundle: true,
  minify: true,
  write: false,
  outdir: '/',
  format: 'esm',
  target: ['es2020', 'safari15.4'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
});

const files = new Map(bundle.outputFiles.map((file) => [file.path.slice(1), file.contents]));
for (const name of ['index.html', 'icon.svg']) files.set(name, readFileSync(join(here, name)));

/** Takes a second and saves three percent for every reader. */
const gzip = promisify(zopfli.gzip);

mkdirSync(out, { recursive: true });
let etags = '#pragma once\n\n/* Made by build.mjs from the content of each page. */\n';
for (const [name, bytes] of files) {
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 16);
  const macro = `WEB_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_ETAG`;
  etags += `#define ${macro} "W/\\"${hash}\\""\n`;
  writeFileSync(join(out, name), bytes);
  writeFileSync(join(out, `${name}.gz`), await gzip(bytes, {}));
}
writeFileSync(join(out, 'etags.h'), etags);
