// At the cap of connections the listener pauses and nobody else is accepted; when the silent are closed
// everybody is served.
//   node connection_cap.mjs   with FOOTFALL set to the executable
// Prints one line of JSON, and ends with 1 where a promise is not kept.

import assert from 'node:assert/strict';
import { Footfall, http, pause } from '../e2e/harness.mjs';
import { IDLE, REQUEST_LIMIT_S, SLACK_S, slowClient } from './slow_client.mjs';
import { figures } from './watch.mjs';

const CAP = 64;

const footfall = await Footfall.start({ FOOTFALL_HTTP_CONNECTIONS: String(CAP), FOOTFALL_COLLECTOR_WORKERS: '2' });
try {
  const idle = Promise.all(Array.from({ length: 2 * CAP }, () => slowClient(footfall.collector, IDLE, 'idle')));
  await pause(1500);
  const most = (await figures(footfall, 'collect')).footfall_collector_open_connections;
  const sinceMs = performance.now();
  const { status } = await http(footfall.collector, { path: '/healthz', agent: false });
  const waited_s = Number(((performance.now() - sinceMs) / 1000).toFixed(1));
  await idle;
  console.log(JSON.stringify({ cap: CAP, most, status, waited_s }));
  assert.equal(status, 200);
  assert.ok(most <= CAP, `${most} connections at a cap of ${CAP}`);
  assert.ok(waited_s <= 2 * REQUEST_LIMIT_S + SLACK_S, `waited for ${waited_s} s at the cap`);
} finally {
  await footfall.stop();
}
