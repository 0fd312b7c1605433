// Runs the tests of the pure modules: `node run.mjs OUT`. TypeScript goes through esbuild into OUT;
// the platform's own test runner does the rest.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) throw new Error('usage: node run.mjs OUT');

const names = readdirSync(here).filter((name) => name.endsWith('.test.mjs'));
await esbuild.build({
  entryPoints: names.map((name) => join(here, name)),
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node18',
  logLevel: 'warning',
});
const run = spawnSync(process.execPath, ['--test', ...names.map((name) => join(out, name))], {
  stdio: 'inherit',
  env: { ...process.env, WEB_SOURCE: pathToFileURL(join(here, '..', '/')).href },
});
process.exitCode = run.status ?? 1;
