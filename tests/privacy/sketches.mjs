// Sketches as somebody sees them who has the store, and as somebody computes them who has a day's key:
// SipHash, a visitor's tag, a cell's key, its register, and what a HYLL string holds. Written from
// docs/design.md and the headers, not from the code.

const WORD = (1n << 64n) - 1n;
const INDEX_BITS = 14n;
const HEADER_BYTES = 16;
const TAG_ADDRESS_BYTES = 16;

export const REGISTERS = 1 << 14;
export const KEY_BYTES = 16;

const rotate = (value, by) => ((value << by) | (value >> (64n - by))) & WORD;

/** SipHash-2-4 of 8 or 16 bytes. */
export function sipHash(key, bytes, size = 8) {
  const [k0, k1] = [key.readBigUInt64LE(0), key.readBigUInt64LE(8)];
  let [v0, v1, v2, v3] = [k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn, k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n];
  if (size === 16) v1 ^= 0xeen;
  const round = (times) => {
    for (let i = 0; i < times; i++) {
      v0 = (v0 + v1) & WORD; v1 = rotate(v1, 13n) ^ v0; v0 = rotate(v0, 32n);
      v2 = (v2 + v3) & WORD; v3 = rotate(v3, 16n) ^ v2;
      v0 = (v0 + v3) & WORD; v3 = rotate(v3, 21n) ^ v0;
      v2 = (v2 + v1) & WORD; v1 = rotate(v1, 17n) ^ v2; v2 = rotate(v2, 32n);
    }
  };
  const padded = Buffer.alloc((bytes.length & ~7) + 8);
  bytes.copy(padded);
  padded[padded.length - 1] = bytes.length & 0xff;
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at);
    v3 ^= word;
    round(2);
    v0 ^= word;
  }
  const out = Buffer.alloc(size);
  v2 ^= size === 16 ? 0xeen : 0xffn;
  round(4);
  out.writeBigUInt64LE(v0 ^ v1 ^ v2 ^ v3, 0);
  if (size === 16) {
    v1 ^= 0xddn;
    round(4);
    out.writeBigUInt64LE(v0 ^ v1 ^ v2 ^ v3, 8);
  }
  return out;
}

/** A visitor's tag under the key of a site's day, as bytes; `address` is IPv4. */
export function tagOf(visitKey, address, agent) {
  const prefix = Buffer.alloc(TAG_ADDRESS_BYTES);
  Buffer.from(address.split('.').map(Number)).copy(prefix);
  return sipHash(visitKey, Buffer.concat([Buffer.from([4]), prefix, Buffer.from(agent)]));
}

/** The key of a cell; `table` is its number in aggregator/model.h. */
export function cellKey(sketchKey, table, value) {
  return sipHash(sketchKey, Buffer.concat([Buffer.from([table]), Buffer.from(value)]), KEY_BYTES);
}

/** [index, rank] of a visitor in a cell. */
export function registerOf(key, tag) {
  const hash = sipHash(key, tag).readBigUInt64LE(0);
  let rest = (hash >> INDEX_BITS) | (1n << (64n - INDEX_BITS));
  let rank = 1;
  for (; (rest & 1n) === 0n; rest >>= 1n) rank++;
  return [Number(hash & (BigInt(REGISTERS) - 1n)), rank];
}

/** What is in a HYLL string: a Map of index → rank. */
export function registersIn(hyll) {
  const found = new Map();
  if (hyll.toString('latin1', 0, 4) !== 'HYLL') throw new Error('It is no sketch.');
  const body = hyll.subarray(HEADER_BYTES);
  if (hyll[4] === 0) {
    for (let index = 0; index < REGISTERS; index++) {
      const [at, shift] = [(index * 6) >> 3, (index * 6) & 7];
      const rank = ((body[at] | ((body[at + 1] ?? 0) << 8)) >> shift) & 63;
      if (rank > 0) found.set(index, rank);
    }
    return found;
  }
  let index = 0;
  for (let at = 0; at < body.length; at++) {
    if (body[at] & 0x80) {
      for (let left = (body[at] & 3) + 1; left > 0; left--) found.set(index++, ((body[at] >> 2) & 31) + 1);
    } else if (body[at] & 0x40) {
      index += (((body[at] & 63) << 8) | body[++at]) + 1;
    } else {
      index += (body[at] & 63) + 1;
    }
  }
  return found;
}

/** How many registers two sketches have in common, and how many of them chance would make. */
export function compare(one, other) {
  let matches = 0;
  let expected = 0;
  for (const [index, rank] of one) {
    matches += other.get(index) === rank ? 1 : 0;
    expected += (other.size / REGISTERS) * 2 ** -rank;
  }
  return { matches, expected };
}
