// Which dimensions the panels show, and what is asked for each. Pure data: a new breakdown is a row.

import type { Metric } from './metrics';

export const PANEL_IDS = ['pages', 'sources', 'places', 'devices', 'events', 'drops'] as const;
export type PanelId = (typeof PANEL_IDS)[number];

export interface Breakdown {
  /** In the URL, and unique within its panel. */
  id: string;
  dimension: string;
  /** What one row is: the first column's head. */
  rowName: string;
  /** First the one that sorts and draws the bars; these show in the panel, `more` in its details. */
  metrics: [Metric, ...Metric[]];
  more: [Metric, ...Metric[]];
  /** Most visits have none of it, which is no news: only those that do are shown. */
  isRare?: true;
  /** Share of all visitors or visits. Not for pages or events, which one visitor may meet many of. */
  hasShare: boolean;
}

export interface Tab {
  label: string;
  /** More than one: a small choice beside the tabs. */
  breakdowns: [Breakdown, ...Breakdown[]];
}

export interface PanelInfo {
  id: PanelId;
  title: string;
  tabs: [Tab, ...Tab[]];
  /** Said when the period has none. */
  empty: string;
  /** Said below the rows. */
  note?: string;
}

const VISIT_DETAILS: [Metric, ...Metric[]] = [
  'visitors',
  'visits',
  'pageviews',
  'views_per_visit',
  'bounce_rate',
  'visit_duration',
];

const ofCampaign = (id: string, rowName: string): Breakdown => ({
  ...ofVisits(id, rowName),
  isRare: true,
});

function ofVisits(id: string, rowName: string): Breakdown {
  return {
    id,
    rowName,
    dimension: `visit:${id}`,
    metrics: ['visitors'],
    more: VISIT_DETAILS,
    hasShare: true,
  };
}

const tab = (label: string, ...breakdowns: [Breakdown, ...Breakdown[]]): Tab => ({
  label,
  breakdowns,
});

export const PANELS: Record<PanelId, PanelInfo> = {
  pages: {
    id: 'pages',
    title: 'Pages',
    empty: 'No page was viewed in this period.',
    tabs: [
      tab('All', {
        id: 'all',
        rowName: 'Page',
        dimension: 'event:page',
        metrics: ['visitors', 'pageviews'],
        more: ['visitors', 'visits', 'pageviews', 'bounce_rate', 'time_on_page', 'scroll_depth'],
        hasShare: false,
      }),
      tab('Entry', {
        ...ofVisits('entry_page', 'First page'),
        metrics: ['visitors', 'bounce_rate'],
        hasShare: false,
        id: 'entry',
      }),
      tab('Exit', {
        id: 'exit',
        rowName: 'Last page',
        dimension: 'visit:exit_page',
        metrics: ['visits'],
        more: ['visits'],
        hasShare: true,
      }),
    ],
  },
  sources: {
    id: 'sources',
    title: 'Sources',
    empty: 'Nobody came this way in this period.',
    tabs: [
      tab('Sources', ofVisits('source', 'Source')),
      tab('Referrers', ofVisits('referrer', 'Referrer')),
      tab('Channels', ofVisits('channel', 'Channel')),
      tab(
        'Campaigns',
        ofCampaign('utm_campaign', 'Campaign'),
        ofCampaign('utm_source', 'Campaign source'),
        ofCampaign('utm_medium', 'Campaign medium'),
        ofCampaign('utm_content', 'Campaign content'),
        ofCampaign('utm_term', 'Campaign term'),
      ),
    ],
  },
  places: {
    id: 'places',
    title: 'Places',
    empty: 'Nobody visited in this period.',
    tabs: [
      tab('Countries', ofVisits('country', 'Country')),
      tab('Regions', ofVisits('region', 'Region')),
    ],
  },
  devices: {
    id: 'devices',
    title: 'Devices',
    empty: 'Nobody visited in this period.',
    tabs: [
      tab('Device', ofVisits('device', 'Device')),
      tab('Browser', ofVisits('browser', 'Browser'), ofVisits('browser_version', 'Version')),
      tab('System', ofVisits('os', 'System'), ofVisits('os_version', 'Version')),
      tab('Screen', ofVisits('screen', 'Screen')),
      tab('Language', ofVisits('language', 'Language')),
    ],
  },
  events: {
    id: 'events',
    title: 'Events',
    empty: "No event in this period. A page sends one with footfall('signup').",
    tabs: [
      tab('All', {
        id: 'goal',
        rowName: 'Event',
        dimension: 'event:goal',
        metrics: ['visitors', 'events'],
        more: ['visitors', 'events'],
        hasShare: false,
      }),
    ],
  },
  drops: {
    id: 'drops',
    title: 'Not counted, by reason',
    empty: 'Everything that came in this period was counted.',
    note: 'Visitors who refused are in no number, not even in this one.',
    tabs: [
      tab('All', {
        id: 'drop_reason',
        rowName: 'Reason',
        dimension: 'event:drop_reason',
        metrics: ['events'],
        more: ['events'],
        hasShare: false,
      }),
    ],
  },
};

export function breakdownsOf(panel: PanelInfo): Breakdown[] {
  return panel.tabs.flatMap((each) => each.breakdowns);
}

/** The panel's first one, where the id is unknown. */
export function findBreakdown(panel: PanelInfo, id: string | undefined): Breakdown {
  return breakdownsOf(panel).find((each) => each.id === id) ?? panel.tabs[0].breakdowns[0];
}

export function tabOf(panel: PanelInfo, breakdown: Breakdown): Tab {
  return panel.tabs.find((each) => each.breakdowns.includes(breakdown)) ?? panel.tabs[0];
}
