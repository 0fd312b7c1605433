// What the server calls a value, and what a reader calls it. Pure; names of countries and languages
// come from the browser.

export interface Name {
  text: string;
  /** Said more quietly after it. */
  detail?: string;
  /** A flag; decoration only. */
  mark?: string;
}

const LOCALE = 'en';

const nameTables = new Map<string, Intl.DisplayNames | null>();

function displayName(type: 'region' | 'language', code: string): string {
  if (!nameTables.has(type)) {
    const supported = typeof Intl.DisplayNames === 'function';
    nameTables.set(
      type,
      supported ? new Intl.DisplayNames([LOCALE], { type, fallback: 'code' }) : null,
    );
  }
  try {
    return nameTables.get(type)?.of(code) ?? code;
  } catch {
    return code;
  }
}

const isCountry = (code: string): boolean => /^[A-Z]{2}$/.test(code);

/** Two letters become two regional indicators, which fonts draw as a flag. */
export function flagOf(country: string): string {
  if (!isCountry(country)) return '';
  return String.fromCodePoint(...[...country].map((letter) => 0x1f1e6 + letter.charCodeAt(0) - 65));
}

function countryName(code: string): Name {
  if (!isCountry(code)) return { text: code };
  return { text: displayName('region', code), mark: flagOf(code) };
}

/** "NL-NH", or "NL-North Holland" from databases that know names instead of codes. */
function regionName(code: string): Name {
  const country = code.slice(0, 2);
  if (!isCountry(country)) return { text: code };
  const rest = code.slice(3);
  if (code.charAt(2) !== '-' || rest === '') return countryName(country);
  return { text: rest, detail: displayName('region', country), mark: flagOf(country) };
}

const SCREENS = new Map([
  ['Mobile', 'up to 575 px'],
  ['Tablet', '576 – 991 px'],
  ['Laptop', '992 – 1439 px'],
  ['Desktop', 'from 1440 px'],
]);

/** Why something was not counted, in the words of the collector's list of reasons. */
export const DROP_REASONS = new Map([
  ['bot', "the User-Agent is a crawler's or a tool's"],
  ['prefetch', 'the browser fetched the page ahead and nobody saw it'],
  ['foreign_origin', 'the page is of a host that does not belong to the site'],
  ['no_room', 'what cannot be stored at present is more than may wait'],
]);

const DROP_TITLES = new Map([
  ['bot', 'Crawlers and tools'],
  ['prefetch', 'Pages fetched ahead'],
  ['foreign_origin', 'Pages of other hosts'],
  ['no_room', 'No room'],
]);

function dropName(reason: string): Name {
  const detail = DROP_REASONS.get(reason);
  return { text: DROP_TITLES.get(reason) ?? reason, ...(detail && { detail }) };
}

/** Controls and overrides of the writing direction would let a value look like another one. */
const DECEPTIVE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export function nameOf(dimension: string, value: string): Name {
  const name = plainName(dimension, value);
  return { ...name, text: name.text.replace(DECEPTIVE, '\ufffd') };
}

function plainName(dimension: string, value: string): Name {
  if (value === '' || value === '(not set)') return { text: 'Not known' };
  if (value === '(other)')
    return { text: 'Everything else', detail: 'rare, or not told apart' };
  switch (dimension) {
    case 'visit:country':
      return countryName(value);
    case 'visit:region':
      return regionName(value);
    case 'visit:language':
      return /^[a-z]{2,3}$/.test(value)
        ? { text: displayName('language', value) }
        : { text: value };
    case 'event:drop_reason':
      return dropName(value);
    case 'visit:screen': {
      const detail = SCREENS.get(value);
      return detail ? { text: value, detail } : { text: value };
    }
    default:
      return { text: value };
  }
}

/** Values that are paths: written from left to right whatever their letters. */
export function isPath(dimension: string): boolean {
  return ['event:page', 'visit:entry_page', 'visit:exit_page'].includes(dimension);
}

/** The page on the site itself, for a row about a page; null for what is no single page. */
export function pageUrl(site: string, dimension: string, value: string): string | null {
  if (!isPath(dimension) || !value.startsWith('/') || value.split('/').includes(':id')) return null;
  try {
    return `https://${site}${value.split('/').map(encodeURIComponent).join('/')}`;
  } catch {
    return null; // Half a surrogate pair has no URL.
  }
}
