// What Redis packs in its snapshots, unpacked, so that a search sees it. A string is packed as a byte
// 0xC3, two lengths and LZF's data; any such byte is tried, and what unpacks to its length is one.

const PACKED = 0xc3;
const BYTES_MAX = 1 << 26;

/** A length of the snapshot's format at `at`: [length, next], or null. */
function readLength(bytes, at) {
  const first = bytes[at];
  if (first === undefined) return null;
  if (first < 0x40) return [first, at + 1];
  if (first < 0x80) return at + 2 <= bytes.length ? [((first & 0x3f) << 8) | bytes[at + 1], at + 2] : null;
  return first === 0x80 && at + 5 <= bytes.length ? [bytes.readUInt32BE(at + 1), at + 5] : null;
}

/** Exactly `length` bytes, or null. */
function unpack(packed, length) {
  const out = Buffer.alloc(length);
  let to = 0;
  for (let at = 0; at < packed.length; ) {
    const control = packed[at++];
    if (control < 32) {
      if (at + control + 1 > packed.length || to + control + 1 > length) return null;
      to += packed.copy(out, to, at, at + control + 1);
      at += control + 1;
      continue;
    }
    let count = control >> 5;
    if (count === 7) count += packed[at++];
    let from = to - ((control & 0x1f) << 8) - packed[at++] - 1;
    if (!(from >= 0) || to + count + 2 > length) return null;
    for (let left = count + 2; left > 0; left--) out[to++] = out[from++];
  }
  return to === length ? out : null;
}

/** Everything in `bytes` that unpacks. */
export function unpackedStrings(bytes) {
  const found = [];
  for (let at = bytes.indexOf(PACKED); at >= 0; at = bytes.indexOf(PACKED, at + 1)) {
    const [packedLength, next] = readLength(bytes, at + 1) ?? [0, 0];
    const [length, start] = (packedLength > 0 && readLength(bytes, next)) || [0, 0];
    if (length <= packedLength || length > BYTES_MAX || start + packedLength > bytes.length) continue;
    const text = unpack(bytes.subarray(start, start + packedLength), length);
    if (text) found.push(text);
  }
  return found;
}
