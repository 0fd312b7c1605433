// Makes what the collector serves as files: `node build.mjs OUT FILE...` bundles the tracker into
// OUT/footfall.js and OUT/footfall.js.gz, and writes OUT/etags.h with a hash of it and of each FILE
// (paths relative to this folder). Run by CMake.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const [out, ...names] = process.argv.slice(2);
if (!out) throw new Error('usage: node build.mjs OUT FILE...');

const bundle = await esbuild.build({
  entryPoints: [join(here, 'script/tracker.ts')],
  bundle: true,
  minify: true,
  write: false,
  format: 'iife',
  target: 'es2020',
  charset: 'utf8',
  // Without "use strict": fourteen bytes, and the types have been checked strictly.
  tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
  logLevel: 'warning',
});

const files = new Map([['footfall.js', bundle.outputFiles[0].contents]]);
for (const name of names) files.set(name, readFileSync(join(here, name)));

let etags = '#pragma once\n\n/* Made by build.mjs from the content of each file: without quotes. */\n';
for (const [name, bytes] of files) {
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 16);
  etags += `#define ETAG_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')} "${hash}"\n`;
}

mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'footfall.js'), files.get('footfall.js'));
writeFileSync(join(out, 'footfall.js.gz'), gzipSync(files.get('footfall.js'), { level: 9 }));
writeFileSync(join(out, 'etags.h'), etags);
