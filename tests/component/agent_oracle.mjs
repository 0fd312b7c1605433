// node agent_oracle.mjs AGENT_LINES: asks the collector's rules and a plain reading of the same lists
// by JavaScript's own regular expressions (first match in order, nothing skipped) about thousands of
// real User-Agents, and fails where they differ. The texts: the examples of crawler-user-agents, the
// usual browsers, uap-core's tests where Debian's package is installed, a real log where it is there.
import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {load} from 'js-yaml';
import {list as isbotPatterns} from 'isbot';
import * as names from '../../tools/agent_names.mjs';

const BYTES_MAX = 512;
const here = (path) => new URL(path, import.meta.url);
const uap = load(readFileSync(here('../../node_modules/uap-core/regexes.yaml'), 'utf8'));
const crawlers = JSON.parse(
    readFileSync(here('../../node_modules/crawler-user-agents/crawler-user-agents.json'), 'utf8'));

function corpus() {
    const texts = new Set([...names.USUAL_BROWSERS, ...crawlers.flatMap((c) => c.instances)]);
    for (const name of ['test_ua', 'test_os', 'test_device']) {
        const file = `/usr/share/uap-core/tests/${name}.yaml`;
        if (existsSync(file)) load(readFileSync(file, 'utf8')).test_cases.forEach((c) => texts.add(c.user_agent_string));
    }
    const log = process.env.FOOTFALL_SHARED_DATA
        ? `${process.env.FOOTFALL_SHARED_DATA}/access-2015.log` : here('../../../shared/data/access-2015.log');
    if (existsSync(log)) {
        for (const line of readFileSync(log, 'utf8').split('\n')) {
            const match = line.match(/"([^"]*)"$/);
            if (match) texts.add(match[1]);
        }
    }
    // Bytes and characters are one in ASCII only, and the two engines are asked about the same text.
    return [...texts].filter((text) => /^[\x20-\x7e]*$/.test(text)).map((text) => text.slice(0, BYTES_MAX));
}

const compile = (list) => list.map((r) => ({...r, re: new RegExp(r.regex, r.regex_flag ?? '')}));
const browsers = compile(uap.user_agent_parsers);
const systems = compile(uap.os_parsers);
const spiders = compile(uap.device_parsers).filter((r, at, all) => at < all.findIndex((d) => d.device_replacement !== 'Spider'));
const bots = [
    ...names.OWN_BOTS.map((source) => new RegExp(source, 'i')),
    ...isbotPatterns.map((source) => new RegExp(source, 'i')),
    ...crawlers.filter((c) => !names.CRAWLERS_LEFT_OUT.has(c.pattern)).map((c) => new RegExp(c.pattern)),
    ...spiders.map((r) => r.re),
];

function family(rules, index, text, replacement, shown) {
    if (index < 0) return '(other)';
    const groups = rules[index].re.exec(text);
    const raw = (rules[index][replacement] ?? '$1').replace(/\$(\d)/g, (_, n) => groups[n] ?? '').trim();
    return shown[raw] ?? raw;
}

const texts = corpus();
const run = spawnSync(process.argv[2], {input: texts.join('\n') + '\n', maxBuffer: 1 << 28});
if (run.status !== 0) throw new Error(`${process.argv[2]}: ${run.stderr}`);
const lines = run.stdout.toString().trimEnd().split('\n');
if (lines.length !== texts.length) throw new Error(`${lines.length} answers to ${texts.length} questions`);

let differences = 0;
const unnamed = new Set();
lines.forEach((line, at) => {
    const text = texts[at];
    const [browser, os, bot, browserName, , osName] = line.split('\t');
    const want = {
        browser: browsers.findIndex((r) => r.re.test(text)),
        os: systems.findIndex((r) => r.re.test(text)),
        bot: bots.some((re) => re.test(text)),
    };
    // A bot's names are not asked for.
    const wantBrowser = want.bot ? '(other)' :
        family(browsers, want.browser, text, 'family_replacement', names.BROWSER_NAMES);
    const wantOs = want.bot ? '(other)' : family(systems, want.os, text, 'os_replacement', names.SYSTEM_NAMES);
    // An open-ended capture may be any text, and is shown as (other).
    if (browserName === '(other)' && wantBrowser !== '(other)') unnamed.add(browsers[want.browser].regex);
    if (osName === '(other)' && wantOs !== '(other)') unnamed.add(systems[want.os].regex);
    const same = Number(browser) === want.browser && Number(os) === want.os && Number(bot) >= 0 === want.bot &&
        Number(bot) !== -2 && (browserName === '(other)' || browserName.toLowerCase() === wantBrowser.toLowerCase()) &&
        (osName === '(other)' || osName.toLowerCase() === wantOs.toLowerCase());
    if (!same && ++differences <= 10) console.error(JSON.stringify({text, line, want, wantBrowser, wantOs}));
});
console.log(`${texts.length} User-Agents, ${differences} differences, ${unnamed.size} open-ended rules`);
if (process.argv[3] === '--verbose') unnamed.forEach((regex) => console.log(regex.slice(0, 120)));
// More open-ended rules than today would mean that names people know are lost.
if (differences > 0 || unnamed.size > 8 || texts.length < 1000) process.exit(1);
