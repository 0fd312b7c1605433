// What the programs of this folder look at: a role's own figures, its memory, Redis's memory, and
// good traffic from another process.

import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The value below which `share` of the numbers lie; 0 for none. */
export function percentile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** A role's own figures, by series: {'process_resident_memory_bytes': …}. */
export function figures(footfall, role) {
  return new Promise((resolve, reject) => {
    const options = { socketPath: join(footfall.data, 'run', role), path: '/metrics', headers: { connection: 'close' } };
    const req = request(options, (res) => {
      let body = '';
      res.setEncoding('utf8').on('data', (chunk) => (body += chunk));
      res.on('end', () => {
        const samples = body.split('\n').filter((line) => line !== '' && line[0] !== '#');
        resolve(Object.fromEntries(samples.map((line) => line.match(/^(.*) (\S+)$/).slice(1)).map(([name, value]) => [name, Number(value)])));
      });
    });
    req.on('error', reject).end();
  });
}

/** Megabytes that a role has in memory. */
export async function memoryMb(footfall, role) {
  return Number(((await figures(footfall, role)).process_resident_memory_bytes / 1e6).toFixed(1));
}

/** Megabytes that Redis uses for what it keeps. */
export async function redisMb(footfall) {
  const info = await footfall.redis().text('INFO', 'memory');
  return Number((Number(info.match(/^used_memory:(\d+)/m)[1]) / 1e6).toFixed(1));
}

/** The other process, traffic.mjs. */
export class Traffic {
  #child;
  #lines;

  constructor(port, site, rate) {
    const program = fileURLToPath(new URL('traffic.mjs', import.meta.url));
    this.#child = spawn(process.execPath, [program, port, site, rate].map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Ends a stretch: {sent, statuses, failed, p50, p99, max}, in milliseconds. */
  async stretch() {
    this.#child.stdin.write('\n');
    return JSON.parse((await this.#lines.next()).value);
  }

  async stop() {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin.end();
    await ended;
  }
}
