// A panel: one question (pages, sources, …), its tabs, the first rows, and the way to all of them.

import { useRef } from 'preact/hooks';
import type { Site } from '../api';
import type { Range } from '../dates';
import { narrow } from '../filters';
import { formatCount, type Value } from '../format';
import { useQuery } from '../hooks';
import { findBreakdown, tabOf, type Breakdown, type PanelInfo } from '../panels';
import { breakdownRequest, rowsWarning } from '../query';
import { useRoute } from '../route';
import { Link } from './link';
import { Failure } from './notice';
import { Rows } from './rows';

export const PANEL_ROWS = 9;

interface PanelProps {
  site: Site;
  panel: PanelInfo;
  /** Null while it is not known. */
  range: Range | null;
  /** Of all that the page is about in this period, to take shares of. */
  totals: { visitors: Value; visits: Value };
  tick: number;
}

export function totalOf(breakdown: Breakdown, totals: PanelProps['totals']): Value {
  return breakdown.metrics[0] === 'visits' ? totals.visits : totals.visitors;
}

export function Panel(props: PanelProps) {
  const { panel, site } = props;
  const { view } = useRoute();
  const breakdown = findBreakdown(panel, view.breakdowns[panel.id]);
  const narrowed = narrow(breakdown, view.filter, site.preset);
  const bodyId = `panel-${panel.id}`;
  return (
    <section class="card panel" aria-labelledby={`${bodyId}-title`}>
      <header class="panel-head">
        <h2 id={`${bodyId}-title`}>{panel.title}</h2>
        <Tabs panel={panel} breakdown={breakdown} bodyId={bodyId} />
      </header>
      {/* A key of its own: the rows of one breakdown never show under another's head. */}
      {'breakdown' in narrowed ? (
        <PanelBody
          key={`${breakdown.id} ${narrowed.breakdown.metrics.join()}`}
          {...props}
          breakdown={narrowed.breakdown}
          bodyId={bodyId}
        />
      ) : (
        <div
          id={bodyId}
          class="panel-body"
          {...(panel.tabs.length > 1 && { role: 'tabpanel', 'aria-labelledby': `${bodyId}-tab` })}
        >
          <p class="empty">{narrowed.sentence}</p>
        </div>
      )}
    </section>
  );
}

interface PanelBodyProps extends PanelProps {
  breakdown: Breakdown;
  bodyId: string;
}

function PanelBody({ panel, range, totals, tick, breakdown, bodyId }: PanelBodyProps) {
  const { view } = useRoute();
  const pagination = { limit: PANEL_ROWS, offset: 0 };
  const { filter } = view;
  const request =
    range &&
    breakdownRequest(view.site, {
      breakdown,
      metrics: breakdown.metrics,
      range,
      filter,
      pagination,
    });
  const { data, error, isFresh, retry } = useQuery(request, tick);
  const rows = data?.results ?? [];
  const total = data?.meta?.total_rows ?? rows.length;
  const note = rowsWarning(data) ?? panel.note;
  return (
    <>
      <div
        id={bodyId}
        class={`panel-body${isFresh || error || !data ? '' : ' stale'}`}
        {...(panel.tabs.length > 1 && { role: 'tabpanel', 'aria-labelledby': `${bodyId}-tab` })}
        aria-busy={!isFresh && !error}
      >
        {error ? (
          <Failure error={error} onRetry={retry} />
        ) : data === null ? (
          <RowSkeletons />
        ) : rows.length === 0 ? (
          <p class="empty">{panel.empty}</p>
        ) : (
          <Rows
            site={view.site}
            breakdown={breakdown}
            metrics={breakdown.metrics}
            rows={rows}
            total={totalOf(breakdown, totals)}
            largest={rows[0]?.metrics[0] ?? 0}
            caption={panel.title}
          />
        )}
        {note && data !== null && !error && <p class="panel-note">{note}</p>}
      </div>
      <footer class="panel-foot">
        {rows.length > 0 && !error && (
          <Link
            class="more"
            to={{ details: panel.id, detailsPage: 1 }}
            label={`Details of ${panel.title}`}
          >
            {total > PANEL_ROWS ? `All ${formatCount(total)}` : 'Details'}
          </Link>
        )}
      </footer>
    </>
  );
}

export function RowSkeletons() {
  return (
    <div class="row-skeletons" aria-hidden="true">
      {[88, 71, 60, 44, 37, 25].map((width) => (
        <div key={width} class="skeleton" style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}

interface TabsProps {
  panel: PanelInfo;
  breakdown: Breakdown;
  bodyId: string;
}

function Tabs({ panel, breakdown, bodyId }: TabsProps) {
  const { go } = useRoute();
  const list = useRef<HTMLDivElement>(null);
  if (panel.tabs.length === 1) return null;
  const selected = tabOf(panel, breakdown);
  const choose = (id: string): void =>
    go(({ breakdowns }) => ({ breakdowns: { ...breakdowns, [panel.id]: id } }));
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (steps === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const at = (panel.tabs.indexOf(selected) + steps + panel.tabs.length) % panel.tabs.length;
    const next = panel.tabs[at];
    if (next) choose(next.breakdowns[0].id);
    list.current?.querySelectorAll<HTMLButtonElement>('[role=tab]')[at]?.focus();
  };
  return (
    <div class="tabs-row">
      <div class="tabs" role="tablist" aria-label={panel.title} ref={list} onKeyDown={onKeyDown}>
        {panel.tabs.map((tab) => (
          <button
            key={tab.label}
            id={tab === selected ? `${bodyId}-tab` : undefined}
            type="button"
            role="tab"
            class="tab"
            aria-selected={tab === selected}
            aria-controls={bodyId}
            tabIndex={tab === selected ? 0 : -1}
            onClick={() => choose(tab.breakdowns[0].id)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      {selected.breakdowns.length > 1 && (
        <select
          class="select small"
          aria-label={`${selected.label} by`}
          value={breakdown.id}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {selected.breakdowns.map((each) => (
            <option key={each.id} value={each.id}>
              {each.rowName}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
