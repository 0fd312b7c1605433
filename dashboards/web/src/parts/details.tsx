// All rows of a panel with every metric, page by page, in a dialog; and the same as CSV.

import { useEffect, useRef } from 'preact/hooks';
import type { Site } from '../api';
import type { Range } from '../dates';
import { filterText, narrow } from '../filters';
import { formatCount, type Value } from '../format';
import { useQuery } from '../hooks';
import { findBreakdown, tabOf, type Breakdown, type PanelInfo } from '../panels';
import { breakdownRequest, exportUrl, rowsWarning } from '../query';
import { useRoute } from '../route';
import { Link } from './link';
import { Failure } from './notice';
import { RowSkeletons, totalOf } from './panel';
import { Rows } from './rows';

const DETAILS_ROWS = 50;
const EXPORT_ROWS_MAX = 10_000;

interface DetailsProps {
  site: Site;
  panel: PanelInfo;
  range: Range;
  periodText: string;
  totals: { visitors: Value; visits: Value };
  tick: number;
}

function titleOf(panel: PanelInfo, breakdown: Breakdown): string {
  const tab = tabOf(panel, breakdown);
  const detail = tab.breakdowns.length > 1 ? breakdown.rowName : tab.label;
  return panel.tabs.length === 1 || detail === panel.title
    ? panel.title
    : `${panel.title} · ${detail}`;
}

export function Details({ site, panel, range, periodText, totals, tick }: DetailsProps) {
  const { view, go } = useRoute();
  const dialog = useRef<HTMLDialogElement>(null);
  const chosen = findBreakdown(panel, view.breakdowns[panel.id]);
  const narrowed = narrow(chosen, view.filter, site.preset);
  const breakdown = 'breakdown' in narrowed ? narrowed.breakdown : chosen;
  const offset = (view.detailsPage - 1) * DETAILS_ROWS;
  const requestOf = (limit: number, from: number) =>
    breakdownRequest(view.site, {
      breakdown,
      metrics: breakdown.more,
      range,
      filter: view.filter,
      pagination: { limit, offset: from },
    });
  const request = 'breakdown' in narrowed ? requestOf(DETAILS_ROWS, offset) : null;
  const { data, error, isFresh, retry } = useQuery(request, tick);
  const rows = data?.results ?? [];
  const total = data?.meta?.total_rows ?? offset + rows.length;

  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);

  const close = (): void => go({ details: null, detailsPage: 1 });
  return (
    <dialog
      ref={dialog}
      class="details"
      aria-labelledby="details-title"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div class="details-inside">
        <header class="details-head">
          <div>
            <h2 id="details-title">{titleOf(panel, chosen)}</h2>
            <p class="quiet">
              {periodText}
              {view.filter && ` · ${filterText(view.filter)}`}
            </p>
          </div>
          <button type="button" class="button" onClick={close}>
            Close
          </button>
        </header>
        <div class={`scroll${isFresh || error || !data ? '' : ' stale'}`} tabIndex={0}>
          {'sentence' in narrowed ? (
            <p class="empty">{narrowed.sentence}</p>
          ) : error ? (
            <Failure error={error} onRetry={retry} />
          ) : data === null ? (
            <RowSkeletons />
          ) : rows.length === 0 ? (
            <p class="empty">{offset > 0 ? 'There is nothing this far down.' : panel.empty}</p>
          ) : (
            <Rows
              site={view.site}
              breakdown={breakdown}
              metrics={breakdown.more}
              rows={rows}
              total={totalOf(breakdown, totals)}
              largest={rows[0]?.metrics[0] ?? 0}
              caption={panel.title}
            />
          )}
          {rowsWarning(data) && <p class="panel-note">{rowsWarning(data)}</p>}
        </div>
        <footer class="details-foot">
          {view.detailsPage > 1 ? (
            <Link to={{ detailsPage: view.detailsPage - 1 }}>‹ Previous</Link>
          ) : (
            <span />
          )}
          <span class="quiet">
            {rows.length > 0 &&
              `${formatCount(offset + 1)} – ${formatCount(offset + rows.length)} of ${formatCount(total)}`}
            {' · '}
            <a
              href={exportUrl(requestOf(EXPORT_ROWS_MAX, 0))}
              download={`${view.site}-${breakdown.id}.csv`}
            >
              CSV
            </a>
          </span>
          {offset + rows.length < total ? (
            <Link to={{ detailsPage: view.detailsPage + 1 }}>Next ›</Link>
          ) : (
            <span />
          )}
        </footer>
      </div>
    </dialog>
  );
}
