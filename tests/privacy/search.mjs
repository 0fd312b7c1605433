// The search for canaries, and the proof that it would find them: a planted visitor, whom nobody
// sent, must be found in every place in every spelling. Forms of 32 bits turn up in random bytes by
// chance; there as many visitors whom nobody sent say how often.

import { eachForm, eachShortForm, visitor } from './canaries.mjs';
import { Finder } from './finder.mjs';

// Visitors of one form in one place by chance, where decoys are so many: met in one run of some 3 million.
const CHANCE_FACTOR = 3;
const CHANCE_MAX = 20;

export class Search {
  #finder = new Finder();
  planted = visitor(0);
  #plantedV6 = visitor(1);
  #plantedForms = new Map(); // spelling → bytes

  constructor(visitors) {
    const add = (kind, number, isShort) => (what, spelling, bytes) =>
      this.#finder.add(bytes, { kind, number, what, spelling, isShort });
    for (const who of visitors) {
      eachForm(who, add('sent', who.number, false));
      eachShortForm(who, add('sent', who.number, true));
      eachShortForm(visitor(who.number), add('decoy', who.number, true));
    }
    for (const who of [this.planted, this.#plantedV6]) {
      const plant = (what, spelling, bytes) => {
        const form = `${who.number === 0 ? 'IPv4' : 'IPv6'} ${what}, ${spelling}`;
        this.#plantedForms.set(form, bytes);
        this.#finder.add(bytes, { kind: 'planted', form });
      };
      eachForm(who, plant);
      eachShortForm(who, plant);
    }
  }

  get needles() {
    return this.#finder.size;
  }

  get plantedForms() {
    return this.#plantedForms.size;
  }

  /** The bytes to plant: every form of a visitor whom nobody sent. */
  plantedBytes() {
    return Buffer.concat([...this.#plantedForms.values()].flatMap((bytes) => [bytes, Buffer.from('\n')]));
  }

  /** The forms of the planted visitor that are not in `bytes`. */
  missing(bytes) {
    const found = new Set();
    this.#finder.scan(bytes, ({ kind, form }) => kind === 'planted' && found.add(form));
    return [...this.#plantedForms.keys()].filter((form) => !found.has(form));
  }

  /** Searches [where, bytes] one after the other: {bytes, findings: [sentence], planted: {where: forms}}. */
  run(pieces) {
    const result = { bytes: 0, files: 0, findings: new Map(), planted: {} };
    const short = { sent: new Map(), decoy: new Map() };
    for (const [where, bytes] of pieces) {
      result.bytes += bytes.length;
      result.files++;
      const planted = (result.planted[where] ??= new Set());
      this.#finder.scan(bytes, (label, at) => {
        if (label.kind === 'planted') return planted.add(label.form);
        const name = `${where}: ${label.what}, ${label.spelling}`;
        const into = label.isShort ? short[label.kind] : result.findings;
        if (!into.has(name)) into.set(name, new Set());
        return into.get(name).add(`${label.number} at ${at}`);
      });
    }
    const count = (places) => new Set([...(places ?? [])].map((place) => place.split(' ')[0])).size;
    for (const [name, places] of short.sent)
      if (count(places) > CHANCE_MAX + CHANCE_FACTOR * count(short.decoy.get(name))) result.findings.set(name, places);
    const sentence = ([name, places]) => `${name}: of ${count(places)} visitors, such as ${[...places][0]}`;
    const tally = (by) => [...by.values()].reduce((sum, places) => sum + count(places), 0);
    return { ...result, findings: [...result.findings].map(sentence), chance: [tally(short.sent), tally(short.decoy)] };
  }
}
