// A site that has counted nothing yet: the snippet, and a wait that ends by itself.

import type { Site } from '../api';
import type { Live } from '../hooks';
import { Connection } from './now';
import { Snippet } from './snippet';

interface SetupProps {
  site: Site;
  live: Live;
  collector: string | null | undefined;
}

export function Setup({ site, live, collector }: SetupProps) {
  return (
    <main class="page">
      <section class="card setup" aria-labelledby="setup-title">
        <h2 id="setup-title">Waiting for the first page view of {site.site_id}</h2>
        <p>
          Paste this line into the <code>&lt;head&gt;</code> of every page:
        </p>
        <Snippet site={site.site_id} collector={collector} />
        <p class="waiting" role="status">
          <span class="pulse" aria-hidden="true" />
          <span>Open a page of your site: it shows up here within seconds.</span>
          <Connection isConnected={live.isConnected} />
        </p>
        <details>
          <summary>Nothing comes?</summary>
          <ul>
            <li>
              The page must be served from <code>{site.site_id}</code>,{' '}
              <code>www.{site.site_id}</code> or an alias of the site.
            </li>
            <li>
              Visitors who opted out, or whose browser asks for it (Global Privacy Control, Do Not
              Track), are never counted: check your own browser.
            </li>
            <li>Some ad blockers stop every counter. Try a fresh profile.</li>
          </ul>
        </details>
      </section>
    </main>
  );
}
