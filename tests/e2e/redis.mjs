// A look into a Redis over its Unix socket: the protocol's replies as buffers, for tests that compare
// bytes at rest. Only what tests need: one command at a time, no reconnecting.

import { createConnection } from 'node:net';

const CRLF = Buffer.from('\r\n');

/** One reply at `at`: {value, next}, or null while bytes are missing. */
function parse(bytes, at) {
  const end = bytes.indexOf(CRLF, at);
  if (end < 0) return null;
  const line = bytes.toString('latin1', at + 1, end);
  const next = end + 2;
  switch (String.fromCharCode(bytes[at])) {
    case '+':
      return { value: Buffer.from(line, 'latin1'), next };
    case '-':
      return { value: new Error(line), next };
    case ':':
      return { value: Number(line), next };
    case '$': {
      const length = Number(line);
      if (length < 0) return { value: null, next };
      if (bytes.length < next + length + 2) return null;
      return { value: bytes.subarray(next, next + length), next: next + length + 2 };
    }
    case '*': {
      const items = [];
      let from = next;
      for (let i = 0; i < Number(line); i++) {
        const item = parse(bytes, from);
        if (!item) return null;
        items.push(item.value);
        from = item.next;
      }
      return { value: items, next: from };
    }
    default:
      throw new Error('Redis sent what is no reply.');
  }
}

function encode(words) {
  const parts = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = Buffer.isBuffer(word) ? word : Buffer.from(String(word));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF);
  }
  return Buffer.concat(parts);
}

export class Redis {
  #socket;
  #waiting = [];
  #bytes = Buffer.alloc(0);

  isAway = false;

  /** Called with (channel, message) for what is published on subscribed channels. */
  onMessage = null;

  constructor(path) {
    this.#socket = createConnection(path);
    this.#socket.on('data', (chunk) => this.#take(chunk));
    for (const event of ['error', 'close'])
      this.#socket.on(event, () => {
        this.isAway = true;
        this.#waiting.splice(0).forEach((each) => each.reject(new Error('Redis is away.')));
      });
  }

  #take(chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (let reply; this.#bytes.length > 0 && (reply = parse(this.#bytes, 0)); ) {
      this.#bytes = this.#bytes.subarray(reply.next);
      const { value } = reply;
      if (Array.isArray(value) && String(value[0]) === 'pmessage') {
        this.onMessage?.(String(value[2]), value[3]);
        continue;
      }
      const { resolve, reject } = this.#waiting.shift();
      if (value instanceof Error) reject(value);
      else resolve(value);
    }
  }

  command(...words) {
    if (this.isAway) return Promise.reject(new Error('Redis is away.'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(encode(words));
    });
  }

  async text(...words) {
    const value = await this.command(...words);
    return value === null ? null : String(value);
  }

  /** A hash as a Map of texts. */
  async hash(key) {
    const flat = await this.command('HGETALL', key);
    const map = new Map();
    for (let i = 0; i < flat.length; i += 2) map.set(String(flat[i]), String(flat[i + 1]));
    return map;
  }

  async keys() {
    const keys = [];
    let cursor = '0';
    do {
      const [next, some] = await this.command('SCAN', cursor, 'COUNT', 1000);
      cursor = String(next);
      keys.push(...some.map((key) => key.toString('latin1')));
    } while (cursor !== '0');
    return [...new Set(keys)].sort();
  }

  close() {
    this.#socket.destroy();
  }
}
