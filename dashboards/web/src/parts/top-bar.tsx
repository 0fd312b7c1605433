// The bar on top: home, which site, and room for the page's own controls.

import type { ComponentChildren } from 'preact';
import type { Site } from '../api';
import { useRoute } from '../route';
import { Link } from './link';

interface TopBarProps {
  site: Site | null;
  sites: Site[];
  children?: ComponentChildren;
}

export function TopBar({ site, sites, children }: TopBarProps) {
  const { go } = useRoute();
  return (
    <header class="top-bar">
      <div class="top-bar-inside">
        <Link class="brand" to={{ site: '', details: null }} label="Footfall, all sites">
          <img src="/assets/icon.svg" alt="" width="24" height="24" />
          <span class={site ? 'wide-only' : ''}>Footfall</span>
        </Link>
        {site && sites.length > 1 && (
          <select
            class="select site-select"
            aria-label="Site"
            value={site.site_id}
            onChange={(event) =>
              go({ site: event.currentTarget.value, details: null, detailsPage: 1 })
            }
          >
            {sites.map((each) => (
              <option key={each.site_id} value={each.site_id}>
                {each.site_id}
              </option>
            ))}
          </select>
        )}
        {site && sites.length <= 1 && <h1 class="site-name">{site.site_id}</h1>}
        {site && sites.length > 1 && <h1 class="sr-only">{site.site_id}</h1>}
        <div class="spacer" />
        {children}
      </div>
    </header>
  );
}
