// A link to Redis that fails on demand: a proxy between two Unix sockets that cuts both sides when a
// batch comes by, in front of Redis or behind it, or holds the replies back. Nobody but Redis knows
// then what was done.

import { createConnection, createServer } from 'node:net';
import { pause } from '../e2e/harness.mjs';

const APPEND = Buffer.from('append');

/** What can be done to a batch. */
export const CUTS = {
  before: 'Redis does not get it, or a part of it',
  after: 'Redis has it, and the reply is lost, or all but a part of it',
  late: 'the reply comes, but late',
};

export class CuttingProxy {
  #server;
  #random;
  #lateMs;
  #kind = null;
  #left = 0;
  #sockets = new Set();

  /** {kind: how often it happened}. */
  counts = Object.fromEntries(Object.keys(CUTS).map((kind) => [kind, 0]));

  /** `lateMs`: [least, most] of a reply that is held back. */
  constructor(path, target, random, lateMs) {
    this.#random = random;
    this.#lateMs = lateMs;
    this.#server = createServer((client) => this.#join(client, target)).listen(path);
  }

  /** Does this to the next `count` batches that come by. */
  cutNext(kind, count) {
    this.#kind = kind;
    this.#left = count;
  }

  #join(client, target) {
    const server = createConnection(target);
    const link = { client, server, lost: false, answered: Promise.resolve() };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (bytes) => this.#forward(link, bytes));
    server.on('data', (bytes) => this.#answer(link, bytes));
  }

  /** A strict part of the bytes, or nothing of them. */
  #part(bytes) {
    return bytes.subarray(0, this.#random.between(0, 1) * this.#random.between(0, bytes.length - 1));
  }

  #forward(link, bytes) {
    const kind = this.#left > 0 && bytes.includes(APPEND) ? this.#kind : null;
    if (kind !== null) {
      this.#left--;
      this.counts[kind]++;
    }
    if (kind === 'before') {
      link.server.end(this.#part(bytes));
      link.client.destroy();
      return;
    }
    if (kind === 'after') link.lost = true;
    if (kind === 'late') link.answered = link.answered.then(() => pause(this.#random.between(...this.#lateMs)));
    link.server.write(bytes);
  }

  #answer(link, bytes) {
    if (link.lost) {
      link.client.end(this.#part(bytes));
      link.server.destroy();
      return;
    }
    link.answered = link.answered.then(() => link.client.write(bytes));
  }

  close() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
