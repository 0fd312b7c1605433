// Finds any of very many byte strings in any of many bytes, in one pass. Each needle is found by a
// window of 8 bytes, or of 4 where it is shorter: a bit per window's hash says "perhaps", a chain of
// needles decides. Nothing here knows what the needles mean.

const BITS_LOG2 = 27;
const CHAINS_LOG2 = 21;
const WINDOW = 8;
const WINDOW_SHORT = 4;
const NONE = -1;

const mixed = (low, high) => Math.imul(Math.imul(low, 0x9e3779b1) ^ (high + 0x7f4a7c15), 0x85ebca6b);

export class Finder {
  #arena = Buffer.alloc(1 << 20);
  #used = 0;
  #starts = [];
  #lengths = [];
  #labels = [];
  #next = [];
  #bits = [WINDOW_SHORT, WINDOW].map(() => new Uint32Array(1 << (BITS_LOG2 - 5)));
  #chains = [WINDOW_SHORT, WINDOW].map(() => new Int32Array(1 << CHAINS_LOG2).fill(NONE));

  get size() {
    return this.#starts.length;
  }

  /** `label` is what scan() tells. At least 4 bytes. */
  add(bytes, label) {
    if (bytes.length < WINDOW_SHORT) throw new Error('A needle is too short to mean anything.');
    while (this.#used + bytes.length > this.#arena.length)
      this.#arena = Buffer.concat([this.#arena, Buffer.alloc(this.#arena.length)]);
    bytes.copy(this.#arena, this.#used);
    const wide = bytes.length >= WINDOW ? 1 : 0;
    const hash = mixed(bytes.readInt32LE(0), wide ? bytes.readInt32LE(4) : 0);
    const bit = hash >>> (32 - BITS_LOG2);
    const chain = hash >>> (32 - CHAINS_LOG2);
    this.#bits[wide][bit >>> 5] |= 1 << (bit & 31);
    this.#next.push(this.#chains[wide][chain]);
    this.#chains[wide][chain] = this.#starts.length;
    this.#starts.push(this.#used);
    this.#lengths.push(bytes.length);
    this.#labels.push(label);
    this.#used += bytes.length;
  }

  /** Calls onFound(label, at, length) for every place where a needle stands. */
  scan(bytes, onFound) {
    const [shortBits, wideBits] = this.#bits;
    let low = 0; // the 4 bytes that start 4 before those of `high`
    for (let at = 0; at + WINDOW_SHORT <= bytes.length; at++) {
      low = at === 0 ? bytes.readInt32LE(0) : (low >>> 8) | (bytes[at + 3] << 24);
      const short = mixed(low, 0) >>> (32 - BITS_LOG2);
      if ((shortBits[short >>> 5] >>> (short & 31)) & 1) this.#decide(0, mixed(low, 0), bytes, at, onFound);
      if (at + WINDOW > bytes.length) continue;
      const high = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24);
      const hash = mixed(low, high);
      const wide = hash >>> (32 - BITS_LOG2);
      if ((wideBits[wide >>> 5] >>> (wide & 31)) & 1) this.#decide(1, hash, bytes, at, onFound);
    }
  }

  #decide(wide, hash, bytes, at, onFound) {
    let needle = this.#chains[wide][hash >>> (32 - CHAINS_LOG2)];
    for (; needle !== NONE; needle = this.#next[needle]) {
      const start = this.#starts[needle];
      const length = this.#lengths[needle];
      if (at + length > bytes.length) continue;
      if (bytes.compare(this.#arena, start, start + length, at, at + length) === 0) onFound(this.#labels[needle], at, length);
    }
  }
}
