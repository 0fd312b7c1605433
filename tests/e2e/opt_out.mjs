// Who has refused changes nothing: a thousand beacons of visitors who opted out, in every way that
// there is, and not a byte of Redis differs, in memory or on disk.
//   node opt_out.mjs   with FOOTFALL set to the executable

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Footfall, UNHURRIED, http, inParallel, pause, until } from './harness.mjs';

const SITE = 'quiet.example';
const FRESH = 'fresh.example'; // a site without a view: nothing may begin to be told about it
const BEACONS = 1000;
const STILL_MS = 2500; // longer than views are mixed, and than live messages are repeated

const REFUSALS = [
  { cookie: 'footfall_optout=1' },
  { cookie: 'theme=dark; footfall_optout=1; lang=nl' },
  { cookie: 'footfall_optout="1"' },
  { cookie: 'footfall_optout=yes' },
  { cookie: 'footfall_optout' },
  { cookie: 'footfall_optout=0; footfall_optout=1' },
  { cookie: `a=${'x'.repeat(5000)}` },
  { 'sec-gpc': '1' },
  { dnt: '1' },
  { 'sec-gpc': '1', dnt: '0', cookie: 'footfall_optout=0' },
  { dnt: '1', 'sec-gpc': '0' },
];
const AGREEMENTS = [{}, { cookie: 'footfall_optout=0' }, { 'sec-gpc': '0' }, { dnt: '0' }, { 'sec-gpc': 'true' }, { cookie: 'not_footfall_optout=1' }];

/** A beacon of each kind: a view, an event, a report, the pixel. */
function send(footfall, at, headers) {
  const site = at % 7 === 0 ? FRESH : SITE;
  const fields = [{}, { n: 'signup', p: '{"plan":"pro"}' }, { n: 'engagement', t: '5000', d: '80' }][at % 3];
  const from = { 'x-forwarded-for': `198.51.100.${at % 250}`, ...headers };
  if (at % 10 === 9) return http(footfall.collector, { path: `/b.gif?s=${site}&p=/pixel`, headers: from });
  return footfall.view({ s: site, u: `http://${site}/page/${at}`, ...fields }, from);
}

for (const views of ['1', '10'])
  test(`a thousand refusals change no byte, with views mixed by ${views}`, async () => {
    const footfall = await Footfall.start({ FOOTFALL_MIX_VIEWS: views, ...(views === '1' && UNHURRIED) });
    const listener = footfall.connectRedis();
    try {
      await footfall.addSite(SITE);
      await footfall.addSite(FRESH);
      for (const [at, headers] of AGREEMENTS.entries()) {
        const { status } = await footfall.view({ s: SITE, u: `http://${SITE}/` }, { 'x-forwarded-for': `203.0.113.${at}`, ...headers });
        assert.ok([202, 204].includes(status), JSON.stringify(headers));
      }
      await until('the views', async () => (await footfall.totals(SITE)).pageviews === AGREEMENTS.length);
      let messages = 0;
      listener.onMessage = (channel) => (messages += channel.includes(FRESH));
      await listener.command('PSUBSCRIBE', 'ff:*');
      await until('silence', async () => {
        const before = messages;
        await pause(STILL_MS);
        return messages === before;
      });
      await footfall.settle();
      messages = 0;
      const before = await footfall.photograph();
      const answers = new Set();
      await inParallel(Array.from({ length: BEACONS }, (_, at) => at), 32, async (at) => {
        const reply = await send(footfall, at, REFUSALS[at % REFUSALS.length]);
        delete reply.headers.date;
        answers.add(`${reply.status} ${JSON.stringify(reply.headers)}`);
      });
      await pause(STILL_MS);
      await footfall.settle();
      assert.deepEqual(await footfall.photograph(), before);
      assert.equal(messages, 0);
      assert.equal((await footfall.totals(SITE)).pageviews, AGREEMENTS.length);

      // Nobody can tell a refusal from a view by its answer.
      const counted = await send(footfall, 1, {});
      assert.equal(counted.status, views === '1' ? 204 : 202);
      assert.equal([...answers].filter((answer) => answer.startsWith('204 ')).length, 1);
      assert.equal([...answers].filter((answer) => answer.startsWith('200 ')).length, 1);
      assert.equal(answers.size, 2);
      if (views === '1') {
        delete counted.headers.date;
        assert.ok(answers.has(`204 ${JSON.stringify(counted.headers)}`));
      }
      // And what was looked at does change with a view.
      await send(footfall, 0, {});
      await until('a live message', () => messages > 0);
      await until('another photograph', async () => {
        const now = await footfall.photograph();
        return now.aof !== before.aof && JSON.stringify(now.keys) !== JSON.stringify(before.keys);
      });
    } catch (error) {
      console.log(footfall.logs());
      throw error;
    } finally {
      listener.close();
      assert.deepEqual(await footfall.stop(), { code: 0, signal: null });
    }
  });
