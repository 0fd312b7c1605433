// How Footfall names browsers and systems, and which bot patterns it does not take over. Everything
// else keeps the name that uap-core gives it.

// uap-core tells a browser's editions apart; people look for the browser. An in-app view counts for
// the browser that draws it, an application that names itself keeps its name.
export const BROWSER_NAMES = {
    'Android': 'Android Browser',
    'Apple Mail': 'Safari', // any WebKit that does not say what it is
    'Baidu Explorer': 'Baidu Browser',
    'Chrome Mobile': 'Chrome',
    'Chrome Mobile WebView': 'Chrome',
    'Chrome Mobile iOS': 'Chrome',
    'DuckDuckGo Mobile': 'DuckDuckGo',
    'Edge Mobile': 'Edge',
    'Firefox (Minefield)': 'Firefox',
    'Firefox (Namoroka)': 'Firefox',
    'Firefox (Shiretoko)': 'Firefox',
    'Firefox Alpha': 'Firefox',
    'Firefox Beta': 'Firefox',
    'Firefox Mobile': 'Firefox',
    'Firefox iOS': 'Firefox',
    'Google': 'Google App',
    'IE': 'Internet Explorer',
    'IE Large Screen': 'Internet Explorer',
    'IE Mobile': 'Internet Explorer',
    'IceWeasel': 'Iceweasel',
    'Mobile Safari': 'Safari',
    'Mobile Safari UI/WKWebView': 'Safari',
    'Netfront': 'NetFront',
    'NetFront NX': 'NetFront',
    'Nokia OSS Browser': 'Nokia Browser',
    'Opera Coast': 'Opera',
    'Opera Mobile': 'Opera',
    'Opera Neon': 'Opera',
    'Opera Tablet': 'Opera',
    'PaleMoon': 'Pale Moon',
    'QQ Browser Mini': 'QQ Browser',
    'QQ Browser Mobile': 'QQ Browser',
    'WebKit Nightly': 'Safari',
};

// Families whose captured version is not the browser's but its engine's build.
export const BROWSERS_WITHOUT_VERSION = new Set(['Apple Mail', 'CFNetwork', 'WebKit Nightly']);

export const SYSTEM_NAMES = {
    'ATV OS X': 'tvOS',
    'Mac OS X': 'macOS',
    'Symbian^3': 'Symbian OS',
    'Symbian^3 Anna': 'Symbian OS',
    'Symbian^3 Belle': 'Symbian OS',
    'WatchOS': 'watchOS',
    'Web0S': 'webOS',
    'Other': '(other)',
};

// Patterns of crawler-user-agents that real devices also match.
export const CRAWLERS_LEFT_OUT = new Set([
    '008\\/', // Spreadtrum feature phones: sprd-L008/1.0
    'Butterfly', // HTC Butterfly
    'Sonic', // ViewSonic
]);

// Bots that neither list tells. Matched as they stand, in any case.
export const OWN_BOTS = [
    '^.{0,9}$', // no browser's name fits
    '^mozilla/\\d\\.\\d$',
    'headless',
    'curl/',
    'wget',
    'python',
    'go-http-client',
    'okhttp/',
    'axios/',
    'node-fetch',
    'libwww',
    'java/',
    'guzzle',
    'phantomjs',
    'puppeteer',
    'playwright',
    'selenium',
    'webthumb',
];

// Browsers' own strings, so that the filter prefers literals that people's browsers do not send.
export const USUAL_BROWSERS = [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.51',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
    'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/490.0.0]',
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36',
    'Mozilla/5.0 (Linux; Android 14; SM-S911B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/131.0.0.0 Mobile Safari/537.36',
    'Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36',
    'Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko',
];
