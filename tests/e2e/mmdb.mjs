// MaxMind's database format as far as tests need it: a plain reader, to know what a database says of
// an address without asking the code under test, and a writer of small databases. Facts from the
// published format: a binary tree over the bits of an address, sixteen zero bytes, a data section,
// and metadata behind a marker.

import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';

const MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
const SEPARATOR_BYTES = 16;

/** The 16 bytes of an address; IPv4 stands below ::/96. */
export function addressBytes(text) {
  const bytes = Buffer.alloc(16);
  if (isIPv4(text)) {
    text.split('.').forEach((part, at) => (bytes[12 + at] = Number(part)));
    return bytes;
  }
  const [head, tail = null] = text.split('::').map((half) => half.split(':').filter(Boolean));
  const gap = tail === null ? [] : Array(8 - head.length - tail.length).fill('0');
  [...head, ...gap, ...(tail ?? [])].forEach((part, at) => bytes.writeUInt16BE(parseInt(part, 16), 2 * at));
  return bytes;
}

/** One value of the data section: [value, where the next one starts]. */
function readValue(bytes, base, at) {
  const control = bytes[base + at++];
  let type = control >> 5;
  if (type === 1) {
    const size = (control >> 3) & 3;
    const rest = bytes.readUIntBE(base + at, size + 1);
    const low = [((control & 7) << 8) | rest, 2048 + (((control & 7) << 16) | rest)];
    const target = low[size] ?? (size === 2 ? 526336 + (((control & 7) << 24) | rest) : rest);
    return [readValue(bytes, base, target)[0], at + size + 1];
  }
  if (type === 0) type = 7 + bytes[base + at++];
  let size = control & 31;
  if (size > 28) {
    const more = size - 28;
    size = bytes.readUIntBE(base + at, more) + [29, 285, 65821][more - 1];
    at += more;
  }
  if (type === 7 || type === 11) {
    const items = [];
    for (let i = 0; i < (type === 7 ? 2 * size : size); i++) {
      const [item, next] = readValue(bytes, base, at);
      items.push(item);
      at = next;
    }
    const pairs = () => Array.from({ length: size }, (_, i) => [items[2 * i], items[2 * i + 1]]);
    return [type === 7 ? Object.fromEntries(pairs()) : items, at];
  }
  if (type === 14) return [size === 1, at];
  const slice = bytes.subarray(base + at, base + at + size);
  if (type === 2) return [slice.toString('utf8'), at + size];
  if (type === 5 || type === 6 || type === 8) return [size === 0 ? 0 : slice.readUIntBE(0, size), at + size];
  return [slice, at + size]; // doubles, bytes and long integers: nobody asks
}

export class Mmdb {
  constructor(path) {
    this.bytes = readFileSync(path);
    const start = this.bytes.lastIndexOf(MARKER) + MARKER.length;
    [this.meta] = readValue(this.bytes, start, 0);
    this.nodeBytes = this.meta.record_size / 4;
    this.base = this.meta.node_count * this.nodeBytes + SEPARATOR_BYTES;
  }

  #branch(node, bit) {
    const at = node * this.nodeBytes;
    if (this.meta.record_size === 28) {
      const middle = this.bytes[at + 3];
      const high = bit === 0 ? middle >> 4 : middle & 15;
      return high * 2 ** 24 + this.bytes.readUIntBE(at + 4 * bit, 3);
    }
    return this.bytes.readUIntBE(at + (bit * this.nodeBytes) / 2, this.nodeBytes / 2);
  }

  #record(branch) {
    return readValue(this.bytes, this.base, branch - this.meta.node_count - SEPARATOR_BYTES)[0];
  }

  /** The record of an address, or null. */
  find(text) {
    const bits = this.meta.ip_version === 6 ? addressBytes(text) : addressBytes(text).subarray(12);
    if (this.meta.ip_version === 4 && !isIPv4(text)) return null;
    let node = 0;
    for (let i = 0; i < 8 * bits.length && node < this.meta.node_count; i++)
      node = this.#branch(node, (bits[i >> 3] >> (7 - (i & 7))) & 1);
    return node > this.meta.node_count ? this.#record(node) : null;
  }

  /** The first addresses of all its IPv4 networks. */
  *addresses() {
    const depth = this.meta.ip_version === 6 ? 96 : 0;
    let root = 0;
    for (let i = 0; i < depth && root < this.meta.node_count; i++) root = this.#branch(root, 0);
    const stack = [[root, 0, 0]];
    while (stack.length > 0) {
      const [node, bits, prefix] = stack.pop();
      if (node === this.meta.node_count) continue;
      if (node > this.meta.node_count) {
        const first = (prefix * 2 ** (32 - bits)) >>> 0;
        yield [24, 16, 8, 0].map((shift) => (first >>> shift) & 255).join('.');
      } else if (bits < 32) {
        for (const bit of [1, 0]) stack.push([this.#branch(node, bit), bits + 1, prefix * 2 + bit]);
      }
    }
  }
}

/** The country of a record in either schema, or null. */
export function countryOf(record) {
  const country = record?.country?.iso_code ?? record?.country_code;
  return /^[A-Z]{2}$/.test(country ?? '') ? country : null;
}

// --- Writing ----------------------------------------------------------------------------------------

/** Numbers of the types that the format wants in its metadata. */
const uint16 = (number) => ({ uint: 5, bytes: Buffer.from([number >> 8, number & 255]) });
const uint32 = (number) => ({ uint: 6, bytes: Buffer.from(number.toString(16).padStart(8, '0'), 'hex') });
const uint64 = (number) => ({ uint: 9, bytes: Buffer.from(number.toString(16).padStart(16, '0'), 'hex') });

function encode(value) {
  const head = (type, size) => Buffer.from(type < 8 ? [(type << 5) | size] : [size, type - 7]);
  if (typeof value === 'string') return Buffer.concat([head(2, value.length), Buffer.from(value)]);
  if (value.uint) return Buffer.concat([head(value.uint, value.bytes.length), value.bytes]);
  if (Array.isArray(value)) return Buffer.concat([head(11, value.length), ...value.map(encode)]);
  const entries = Object.entries(value).flatMap(([name, item]) => [encode(name), encode(item)]);
  return Buffer.concat([head(7, Object.keys(value).length), ...entries]);
}

/** A database of {"198.51.0.0/16": record}: ranges must not overlap; an IPv6 tree of 32-bit branches. */
export function mmdbBytes(rows) {
  const nodes = [[null, null]];
  const data = [];
  let dataBytes = 0;
  for (const [range, record] of Object.entries(rows)) {
    const [address, length] = range.split('/');
    const bits = Number(length) + (isIPv4(address) ? 96 : 0);
    const bytes = addressBytes(address);
    let node = 0;
    for (let i = 0; i < bits; i++) {
      const bit = (bytes[i >> 3] >> (7 - (i & 7))) & 1;
      if (i === bits - 1) nodes[node][bit] = { at: dataBytes };
      else if (nodes[node][bit] === null) node = nodes[node][bit] = nodes.push([null, null]) - 1;
      else node = nodes[node][bit];
    }
    data.push(encode(record));
    dataBytes += data.at(-1).length;
  }
  const tree = Buffer.alloc(8 * nodes.length + SEPARATOR_BYTES);
  const value = (branch) => (branch === null ? nodes.length : branch.at + nodes.length + SEPARATOR_BYTES);
  nodes.flat().forEach((branch, at) => tree.writeUInt32BE(typeof branch === 'number' ? branch : value(branch), 4 * at));
  const meta = {
    node_count: uint32(nodes.length),
    record_size: uint16(32),
    ip_version: uint16(6),
    database_type: 'Footfall-Test',
    languages: ['en'],
    binary_format_major_version: uint16(2),
    binary_format_minor_version: uint16(0),
    build_epoch: uint64(1_767_225_600),
    description: { en: 'invented' },
  };
  return Buffer.concat([tree, ...data, MARKER, encode(meta)]);
}
