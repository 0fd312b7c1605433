// What browser tests share: a Chromium, servers on loopback, and waiting. A test is a Node program
// over node:test; it ends with 77 (ctest: skipped) where there is no Chromium.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export { becomes, pause, until } from '../e2e/harness.mjs';

export const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';

const EXIT_SKIPPED = 77;
const FLAGS = [
  '--no-sandbox', // the tests may run as root, and open nothing but their own pages
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function skipWithoutChromium() {
  if (existsSync(CHROMIUM)) return;
  console.log(`Skipped: there is no Chromium at ${CHROMIUM}; install it or set CHROMIUM.`);
  process.exit(EXIT_SKIPPED);
}

/** The back/forward cache stays on: pages that come back from it are something to test. */
export function launch(...flags) {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [...FLAGS, ...flags],
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
}

/**
 * Opens a page in a Chromium that nothing steers, for what the browser does not do while it is
 * being debugged, such as prerendering. Ends it when `body` has ended.
 */
export async function withPlainChromium(url, body) {
  const profile = mkdtempSync(join(tmpdir(), 'footfall-chromium-'));
  const args = ['--headless', ...FLAGS, `--user-data-dir=${profile}`, '--remote-debugging-port=0'];
  const child = spawn(CHROMIUM, [...args, url], { stdio: 'ignore', detached: true });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    return await body();
  } finally {
    process.kill(-child.pid);
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/**
 * An HTTP server on an ephemeral loopback port. `answer({method, url, path, query, headers, body})`
 * gives {status, headers, body}, at once or as a promise, or nothing for 404.
 */
export async function serve(answer) {
  const server = createServer(async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const url = new URL(req.url, 'http://localhost');
    const request = {
      method: req.method,
      url: req.url,
      path: url.pathname,
      query: url.searchParams,
      headers: req.headers,
      body: Buffer.concat(chunks).toString(),
    };
    const reply = (await answer(request)) ?? { status: 404 };
    res.writeHead(reply.status ?? 200, reply.headers);
    res.end(reply.body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    port,
    /** Another host name is another site for the browser, as localhost is to 127.0.0.1. */
    origin: (host = '127.0.0.1') => `http://${host}:${port}`,
    close: () => {
      server.closeAllConnections?.();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
