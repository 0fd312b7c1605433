// A client who is slow, silent or does not read, and the limits within which it is closed.

import { createConnection } from 'node:net';

export const REQUEST_LIMIT_S = 10; // of common/limits.h, as the next
export const READER_LIMIT_S = 20;
export const SLACK_S = 5; // a pulse of ours, two ticks of theirs, and the crowd at the door
const PULSE_MS = 1000; // how often a client says a little, or looks whether it is still connected

/** One that says nothing; what a kind of client may be told is in slow_clients.mjs. */
export const IDLE = { limit_s: REQUEST_LIMIT_S, first: '', pulse: '' };

/** One client; resolves with the seconds that it was connected. */
export function slowClient(port, kind, name) {
  return new Promise((resolve, reject) => {
    const sinceMs = performance.now();
    const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    let pulse;
    const end = () => {
      clearInterval(pulse);
      socket.destroy();
      resolve((performance.now() - sinceMs) / 1000);
    };
    const tooLong = setTimeout(() => reject(new Error(`${name}: a client is still connected after a minute`)), 60_000);
    tooLong.unref();
    if (kind.leaves_s) setTimeout(end, kind.leaves_s * 1000);
    if (kind.reads === false) socket.pause(); // whether it is connected shows when it writes
    else socket.on('data', () => {}).on('end', end);
    socket.on('error', end).on('close', end);
    socket.on('connect', () => {
      socket.write(kind.first);
      if (kind.ends) socket.end();
      else if (kind.pulse) pulse = setInterval(() => socket.write(kind.pulse), PULSE_MS);
    });
  });
}
