// What a regular expression says of the texts it can match, from its syntax tree.
//
// requirement(): sets of literals of which at least one stands in every matching text. The search
// for them is what lets the collector skip most rules without running them, so every answer here
// errs to one side: what cannot be told is "nothing is required", never a literal too many.
// language(): the finite list of texts that a group can capture, or null.
//
// Literals are lower case in ASCII, and so must be the searched text: that makes one search serve
// case-sensitive and caseless rules alike. Characters past ASCII require nothing.
import {RegExpParser} from '@eslint-community/regexpp';

const EXACT_MAX = 64; // strings that a part may stand for before it counts as "anything"
const CLASS_MAX = 4; // characters of a class that are listed one by one
const LANGUAGE_MAX = 400;

export function parse(source) {
    return new RegExpParser({ecmaVersion: 2025}).parsePattern(source);
}

const lower = (text) => text.replace(/[A-Z]/g, (c) => c.toLowerCase());
const ascii = (codePoint) => codePoint < 0x80;

// The characters of a class as code points, or null where they are too many to list.
function classMembers(node, limit) {
    if (node.negate) return null;
    const members = [];
    for (const element of node.elements) {
        if (element.type === 'Character') members.push(element.value);
        else if (element.type === 'CharacterClassRange' && element.max.value - element.min.value < limit)
            for (let c = element.min.value; c <= element.max.value; c++) members.push(c);
        else return null;
        if (members.length > limit) return null;
    }
    return members;
}

function cross(left, right) {
    const joined = new Set();
    for (const a of left) for (const b of right) joined.add(a + b);
    return joined.size <= EXACT_MAX ? joined : null;
}

const union = (sets) => new Set(sets.flatMap((set) => [...set]));

// A part of an expression: `exact`, every text it can stand for (null: not known), and `sets`, the
// requirements known to hold whenever it takes part in a match.
const ANYTHING = {exact: null, sets: []};
const NOTHING = {exact: new Set(['']), sets: []};

function visitClass(node) {
    const members = classMembers(node, CLASS_MAX);
    if (members === null || !members.every(ascii)) return ANYTHING;
    return {exact: new Set(members.map((c) => lower(String.fromCharCode(c)))), sets: []};
}

// Runs of exact parts are glued together; where a run ends, it is itself a requirement.
function visitSequence(elements) {
    const sets = [];
    let run = new Set(['']);
    let whole = true;
    for (const element of elements) {
        const part = visit(element);
        const glued = part.exact === null ? null : cross(run, part.exact);
        sets.push(...part.sets);
        if (glued !== null) {
            run = glued;
            continue;
        }
        sets.push(run);
        whole = false;
        run = part.exact ?? new Set(['']);
    }
    if (whole) return {exact: run, sets};
    sets.push(run);
    return {exact: null, sets};
}

function visitAlternatives(alternatives) {
    const parts = alternatives.map((alternative) => visitSequence(alternative.elements));
    if (parts.length === 1) return parts[0];
    const exact = parts.every((part) => part.exact !== null) ? union(parts.map((part) => part.exact)) : null;
    // One requirement of each alternative: any of them holds for the whole.
    const choices = parts.map((part) => strongest(part));
    const sets = choices.every((choice) => choice !== null) ? [union(choices)] : [];
    return {exact: exact !== null && exact.size <= EXACT_MAX ? exact : null, sets};
}

// The requirement of a part whose shortest literal is longest; null: none.
function strongest(part) {
    const sets = part.exact === null ? part.sets : [...part.sets, part.exact];
    const weight = (set) => Math.min(...[...set].map((text) => text.length));
    const usable = sets.filter((set) => set.size > 0 && weight(set) > 0);
    return usable.length === 0 ? null : usable.reduce((a, b) => (weight(b) > weight(a) ? b : a));
}

function visitQuantifier(node) {
    const part = visit(node.element);
    if (node.min === 0 && node.max === 1 && part.exact !== null)
        return {exact: union([part.exact, ['']]), sets: []};
    if (node.min === 0) return ANYTHING;
    if (node.min === node.max && part.exact !== null) {
        let exact = part.exact;
        for (let i = 1; i < node.min && exact !== null; i++) exact = cross(exact, part.exact);
        if (exact !== null) return {exact, sets: part.sets};
    }
    return {exact: null, sets: part.exact === null ? part.sets : [...part.sets, part.exact]};
}

function visit(node) {
    switch (node.type) {
    case 'Character':
        return ascii(node.value) ? {exact: new Set([lower(String.fromCharCode(node.value))]), sets: []} : ANYTHING;
    case 'CharacterClass':
        return visitClass(node);
    case 'Group':
        if (node.modifiers) throw new Error('a group with modifiers is not supported');
        return visitAlternatives(node.alternatives);
    case 'CapturingGroup':
        return visitAlternatives(node.alternatives);
    case 'Quantifier':
        return visitQuantifier(node);
    case 'Assertion': // takes no characters; what a look-around demands is left out
        return NOTHING;
    default: // any character, \d, a backreference …
        return ANYTHING;
    }
}

// Every requirement (a Set of literals) that a match fulfils.
export function requirements(pattern) {
    const part = visitAlternatives(pattern.alternatives);
    return part.exact === null ? part.sets : [...part.sets, part.exact];
}

// The text, when the expression is nothing but that text; else null.
export function plainText(pattern) {
    if (pattern.alternatives.length !== 1) return null;
    const elements = pattern.alternatives[0].elements;
    if (elements.length === 0 || !elements.every((e) => e.type === 'Character' && ascii(e.value))) return null;
    return elements.map((e) => String.fromCharCode(e.value)).join('');
}

function spell(node) {
    switch (node.type) {
    case 'Character':
        return [String.fromCodePoint(node.value)];
    case 'CharacterSet': // a dot in a name is meant as one; the list is an allow-list, so this adds no match
        return node.kind === 'any' ? ['.'] : null;
    case 'CharacterClass':
        return classMembers(node, 10)?.map((c) => String.fromCodePoint(c)) ?? null;
    case 'Group':
    case 'CapturingGroup':
        return language(node);
    case 'Quantifier': {
        const inner = node.max === 1 ? spell(node.element) : null;
        return inner && (node.min === 0 ? [...inner, ''] : inner);
    }
    case 'Assertion':
        return [''];
    default:
        return null;
    }
}

// Every text that the group (or pattern) can stand for, in its own case; null: not a short list.
export function language(node) {
    const texts = new Set();
    for (const alternative of node.alternatives) {
        let partial = [''];
        for (const element of alternative.elements) {
            const spelled = spell(element);
            if (spelled === null || spelled.length * partial.length > LANGUAGE_MAX) return null;
            partial = partial.flatMap((head) => spelled.map((tail) => head + tail));
        }
        partial.forEach((text) => texts.add(text));
    }
    return texts.size > LANGUAGE_MAX ? null : [...texts];
}

function descendants(node, type) {
    const children = [...(node.alternatives ?? []), ...(node.elements ?? []), ...(node.element ? [node.element] : [])];
    const found = children.flatMap((child) => descendants(child, type));
    return node.type === type ? [node, ...found] : found;
}

// Capturing groups in order; index 0 is group 1.
export const groups = (pattern) => descendants(pattern, 'CapturingGroup');

// The expression for PCRE2, which takes a bare hyphen after \w or \d for a broken range where
// JavaScript takes it for itself.
export function forPcre(pattern) {
    const hyphens = descendants(pattern, 'CharacterClass')
        .flatMap((node) => node.elements)
        .filter((element) => element.type === 'Character' && element.raw === '-')
        .map((element) => element.start);
    return pattern.raw.split('').map((c, at) => (hyphens.includes(at) ? '\\-' : c)).join('');
}
