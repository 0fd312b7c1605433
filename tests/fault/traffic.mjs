// Good traffic beside bad: page views at a steady rate from a process of its own, so that whoever
// makes trouble does not slow down what is measured.
//   node traffic.mjs PORT SITE RATE
// Each line on standard input ends a stretch and prints it as one line of JSON: how many were sent,
// their answers, and how long they took, from when each was due. Ends with its input.

import { Agent } from 'node:http';
import { createInterface } from 'node:readline';
import { BROWSER, http } from '../e2e/harness.mjs';
import { percentile } from './watch.mjs';

const [port, site, rate] = process.argv.slice(2);
const TICK_MS = 5;
// Most browsers keep their connection for a few views; every fourth view here comes on a new one.
const kept = new Agent({ keepAlive: true, maxSockets: 16, timeout: 5000 }); // half of the collector's
const PATIENCE_MS = 30_000;

let stretch;
const begin = () => (stretch = { times: [], statuses: {}, failed: 0 });

async function view(at, dueMs) {
  const into = stretch;
  const headers = { 'content-type': 'text/plain', 'user-agent': BROWSER };
  const isNew = at % 4 === 0;
  if (isNew) headers.connection = 'close';
  const body = `s=${site}&u=http://${site}/good/${at % 10}`;
  const exchange = { method: 'POST', path: '/b', headers, body, agent: isNew ? undefined : kept };
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, null).unref());
  const reply = await Promise.race([http(Number(port), exchange).catch(() => null), late]);
  into.times.push(performance.now() - dueMs);
  if (!reply) into.failed++;
  else into.statuses[reply.status] = (into.statuses[reply.status] ?? 0) + 1;
}

begin();
const startMs = performance.now();
let sent = 0;
const timer = setInterval(() => {
  // One that is late by the clock is late in the figures too: nothing waits for an answer.
  for (; sent < ((performance.now() - startMs) * Number(rate)) / 1000; sent++)
    view(sent, startMs + (sent * 1000) / Number(rate));
}, TICK_MS);

const input = createInterface({ input: process.stdin });
input.on('line', () => {
  const { times, statuses, failed } = stretch;
  begin();
  const at = (share) => Number(percentile(times, share).toFixed(2));
  const line = { sent: times.length, statuses, failed, p50: at(0.5), p99: at(0.99), max: at(1) };
  process.stdout.write(`${JSON.stringify(line)}\n`);
});
input.on('close', () => {
  clearInterval(timer);
  kept.destroy();
});
