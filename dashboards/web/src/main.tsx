// The dashboard: finds out which sites there are, and shows the page that the address names.

import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { fetchSites } from './api';
import { useLoaded } from './hooks';
import { Failure } from './parts/notice';
import { SitePage } from './parts/site-page';
import { SitesPage } from './parts/sites-page';
import { CopyLine } from './parts/snippet';
import { TopBar } from './parts/top-bar';
import { RouteContext, useAddress } from './route';

const SITES_REFRESH_MS = 5_000;

function App() {
  const route = useAddress();
  const [tick, setTick] = useState(0);
  const sites = useLoaded('sites', fetchSites, tick);
  const { site: name } = route.view;
  const list = sites.data?.sites ?? [];
  const site = list.find((each) => each.site_id === name);
  const isWaiting = sites.data !== null && (name === '' || !site);

  // A site that is being added appears without a reload.
  useEffect(() => {
    if (!isWaiting) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) setTick((count) => count + 1);
    }, SITES_REFRESH_MS);
    return () => clearInterval(timer);
  }, [isWaiting]);

  let page;
  if (sites.error) page = <Failed error={sites.error} onRetry={sites.retry} />;
  else if (!sites.data) page = <TopBar site={null} sites={[]} />;
  else if (name === '') page = <SitesPage sites={list} collector={sites.data.collector_url} />;
  else if (site)
    page = <SitePage key={name} site={site} sites={list} collector={sites.data.collector_url} />;
  else page = <UnknownSite name={name} />;
  return <RouteContext.Provider value={route}>{page}</RouteContext.Provider>;
}

function Failed(props: Parameters<typeof Failure>[0]) {
  return (
    <>
      <TopBar site={null} sites={[]} />
      <main class="page">
        <section class="card setup">
          <Failure {...props} />
        </section>
      </main>
    </>
  );
}

function UnknownSite({ name }: { name: string }) {
  return (
    <>
      <TopBar site={null} sites={[]} />
      <main class="page">
        <section class="card setup">
          <h1>
            <bdi>{name}</bdi> is not counted here
          </h1>
          <p>If it should be, add it in a terminal on this machine:</p>
          <CopyLine
            label="Command"
            text={`footfall site add ${/^[a-z0-9.-]+$/.test(name) ? name : 'example.com'}`}
          />
        </section>
      </main>
    </>
  );
}

const root = document.getElementById('app');
if (root) render(<App />, root);
