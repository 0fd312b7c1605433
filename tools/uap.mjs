// Makes the rules about User-Agents: node tools/uap.mjs OUT.c
//
// Reads uap-core (browsers, systems, the spiders at the head of the devices), isbot and
// crawler-user-agents from node_modules and writes one C file of constants in the shape of
// collector/agent_data.h: the expressions in order, for each the literals of which one must stand in
// a matching text, and the closed list of names that a rule can give. Fails, and with it the build,
// on anything that it does not understand.
import {readFileSync, writeFileSync} from 'node:fs';
import {load} from 'js-yaml';
import {list as isbotPatterns} from 'isbot';
import * as names from './agent_names.mjs';
import {forPcre, groups, language, parse, plainText, requirements} from './regex_literals.mjs';

const OTHER = '(other)';
const NAME_BYTES_MAX = 48; // leaves room for a version in the 64 bytes of a value
const GRAM = 3; // bytes that the collector looks up at each place of a User-Agent
const LITERALS_MAX = 64; // alternatives of one rule; more would be found in nearly every text
const USUAL_WEIGHT = 200; // how much one usual browser counts against one crawler

const packageFile = (path) => readFileSync(new URL(`../node_modules/${path}`, import.meta.url), 'utf8');
const uap = load(packageFile('uap-core/regexes.yaml'));
const crawlers = JSON.parse(packageFile('crawler-user-agents/crawler-user-agents.json'));

const corpus = [
    ...names.USUAL_BROWSERS.map((text) => ({text: text.toLowerCase(), weight: USUAL_WEIGHT})),
    ...crawlers.flatMap((c) => c.instances.map((text) => ({text: text.toLowerCase(), weight: 1}))),
];

// How often a search for any of the literals would succeed, over the corpus.
const frequencies = new Map();
function frequency(literal) {
    if (!frequencies.has(literal)) {
        const found = corpus.filter((entry) => entry.text.includes(literal));
        frequencies.set(literal, found.reduce((sum, entry) => sum + entry.weight, 0));
    }
    return frequencies.get(literal);
}

// The literals to search for: the requirement that is fulfilled least often. Empty: none is usable,
// the rule is always tried.
function filterOf(pattern) {
    const usable = requirements(pattern).filter(
        (set) => set.size <= LITERALS_MAX && [...set].every((text) => text.length >= GRAM));
    const cost = (set) => [...set].reduce((sum, text) => sum + frequency(text), set.size);
    if (usable.length === 0) return [];
    const best = usable.reduce((a, b) => (cost(b) < cost(a) ? b : a));
    return [...best].map((text) => {
        const text255 = text.slice(0, 255);
        const starts = Array.from({length: text255.length - GRAM + 1}, (_, at) => at);
        const gramAt = starts.reduce((a, b) =>
            frequency(text255.slice(b, b + GRAM)) < frequency(text255.slice(a, a + GRAM)) ? b : a);
        return {text: text255, gramAt};
    });
}

function rule(source, caseless, template = {}) {
    const pattern = parse(source);
    const plain = plainText(pattern);
    return {
        source: forPcre(pattern), caseless, plain, literals: filterOf(pattern), template, groups: groups(pattern),
    };
}

// The texts that a part of a rule's result can be: its replacement, with $n filled in.
function resultTexts(entry, replacement, group) {
    const text = replacement ?? `$${group}`;
    const used = [...new Set([...text.matchAll(/\$(\d)/g)].map((m) => Number(m[1])))];
    let results = [text];
    for (const number of used) {
        const node = entry.groups[number - 1];
        const spelled = node ? language(node) : [''];
        if (spelled === null) return []; // open-ended: only what other rules name counts
        results = results.flatMap((head) => spelled.map((tail) => head.replaceAll(`$${number}`, tail)));
    }
    return results.map((result) => result.trim()).filter((result) => result !== '');
}

const browsers = uap.user_agent_parsers.map((r) => rule(r.regex, r.regex_flag === 'i', {
    family: r.family_replacement,
    major: names.BROWSERS_WITHOUT_VERSION.has(r.family_replacement) ? '' : r.v1_replacement,
    minor: r.v2_replacement,
}));
const systems = uap.os_parsers.map((r) => rule(r.regex, r.regex_flag === 'i', {
    family: r.os_replacement, major: r.os_v1_replacement, minor: r.os_v2_replacement,
}));

// A first match decides, so only the spiders before the first device can be taken alone. The last
// rule of the devices, a long list of words (silk, yahoo, speedy …), would need the six hundred
// before it; isbot and crawler-user-agents know what it knows.
const firstDevice = uap.device_parsers.findIndex((r) => r.device_replacement !== 'Spider');
const spiders = uap.device_parsers.slice(0, firstDevice).map((r) => rule(r.regex, r.regex_flag === 'i'));
if (spiders.length === 0) throw new Error('uap-core has no spiders before its first device');
const bots = [
    ...names.OWN_BOTS.map((source) => rule(source, true)),
    ...isbotPatterns.map((source) => rule(source, true)),
    ...crawlers.filter((c) => !names.CRAWLERS_LEFT_OUT.has(c.pattern)).map((c) => rule(c.pattern, false)),
    ...spiders,
];
const sets = {BROWSER: browsers, OS: systems, BOT: bots};
const rules = Object.values(sets).flat();

// raw text in lower case -> the name to show. Versions that are words ("XP") are names too.
const words = new Map();
const lower = (text) => text.replace(/[A-Z]/g, (c) => c.toLowerCase());
function addWord(kind, raw, shown) {
    if (Buffer.byteLength(shown) > NAME_BYTES_MAX) throw new Error(`too long a name: ${shown}`);
    words.set(`${kind}${lower(raw)}`, shown);
}
for (const entry of browsers)
    for (const raw of resultTexts(entry, entry.template.family, 1)) addWord('b', raw, names.BROWSER_NAMES[raw] ?? raw);
for (const entry of systems)
    for (const raw of resultTexts(entry, entry.template.family, 1)) addWord('o', raw, names.SYSTEM_NAMES[raw] ?? raw);
for (const entry of [...browsers, ...systems]) {
    for (const raw of resultTexts(entry, entry.template.major, 2))
        if (!/^\d{1,4}$/.test(raw)) addWord('v', raw, raw);
}

const shown = [...new Set([OTHER, ...words.values()])];
const sortedWords = [...words].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

// A C string literal of the text's UTF-8 bytes; octal escapes cannot run into what follows.
function quote(text) {
    const bytes = [...Buffer.from(text)].map((byte) =>
        byte < 0x20 || byte > 0x7e || '"\\?'.includes(String.fromCharCode(byte))
            ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte));
    return `"${bytes.join('')}"`;
}
const quoteOrNull = (text) => (text === undefined ? 'NULL' : quote(String(text)));

function ruleLine(entry, literalFirst) {
    const flags = [entry.caseless && 'RULE_CASELESS', entry.plain !== null && 'RULE_PLAIN'].filter(Boolean);
    const text = entry.plain === null ? entry.source : entry.caseless ? lower(entry.plain) : entry.plain;
    return `    {${quote(text)}, ${literalFirst}, ${entry.literals.length}, ${flags.join(' | ') || '0'}},`;
}

const literals = [];
const ruleLines = rules.map((entry) => {
    const line = ruleLine(entry, literals.length);
    literals.push(...entry.literals);
    return line;
});
if (literals.length > 65535 || shown.length > 50000) throw new Error('a table outgrew its index');
let first = 0;
const firsts = Object.values(sets).map((set) => (first += set.length) - set.length);

const out = `/* Made by tools/uap.mjs from uap-core (Apache-2.0), isbot (Unlicense) and
 * crawler-user-agents (MIT): see THIRD_PARTY.md. */
#include "collector/agent_data.h"

const struct rule_literal agent_literals[] = {
${literals.map((l) => `    {${quote(l.text)}, ${l.text.length}, ${l.gramAt}},`).join('\n')}
};
const struct rule agent_rule_list[] = {
${ruleLines.join('\n')}
};
const size_t agent_rule_count = ${rules.length};
const size_t agent_set_first[AGENT_SET__COUNT + 1] = {${[...firsts, rules.length].join(', ')}};
const struct agent_template agent_templates[] = {
${[...browsers, ...systems].map(({template: t}) =>
        `    {${quoteOrNull(t.family)}, ${quoteOrNull(t.major)}, ${quoteOrNull(t.minor)}},`).join('\n')}
};
const char *const agent_names[] = {
${shown.map((name) => `    ${quote(name)},`).join('\n')}
};
const size_t agent_name_count = ${shown.length};
const struct agent_word agent_words[] = {
${sortedWords.map(([raw, name]) => `    {${quote(raw)}, ${shown.indexOf(name)}},`).join('\n')}
};
const size_t agent_word_count = ${sortedWords.length};
`;
writeFileSync(process.argv[2], out);
const unfiltered = rules.filter((entry) => entry.literals.length === 0);
if (process.argv[3] === '--report') {
    console.log(`${browsers.length} browsers, ${systems.length} systems, ${bots.length} bots; ` +
        `${rules.filter((e) => e.plain !== null).length} plain, ${literals.length} literals, ` +
        `${words.size} words, ${shown.length} names; always tried: ${unfiltered.length}`);
    unfiltered.forEach((entry) => console.log('  ', entry.source.slice(0, 150)));
}
