// Chance that can be had again: numbers that follow from a seed, so that a run's choices can be
// repeated. When they are carried out depends on the machine all the same.

/** `--NAME VALUE` of the command line as a number, or `initial`. */
export function option(name, initial) {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return initial;
  const value = Number(process.argv[at + 1]);
  if (!Number.isFinite(value)) throw new Error(`--${name} needs a number.`);
  return value;
}

export const isAsked = (name) => process.argv.includes(`--${name}`);

export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1): "mulberry32". */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `low` to `high`. */
  between(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** One of {name: weight}. */
  pick(weights) {
    const all = Object.entries(weights);
    let left = this.next() * all.reduce((sum, [, weight]) => sum + weight, 0);
    return all.find(([, weight]) => (left -= weight) < 0)[0];
  }
}
