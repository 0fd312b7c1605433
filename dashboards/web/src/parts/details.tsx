// All rows of a panel with every metric, page by page, in a dialog; and the same as CSV.

import { useEffect, useRef } from 'preact/hooks';
import type { Range } from '../dates';
import { formatCount, type Value } from '../format';
import { useQuery } from '../hooks';
import { findBreakdown, tabOf, type Breakdown, type PanelInfo } from '../panels';
import { breakdownRequest, exportUrl } from '../query';
import { useRoute } from '../route';
import { Link } from './link';
import { Failure } from './notice';
import { RowSkeletons, totalOf } from './panel';
import { Rows } from './rows';

const DETAILS_ROWS = 50;
const EXPORT_ROWS_MAX = 10_000;

interface DetailsProps {
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

export function Details({ panel, range, periodText, totals, tick }: DetailsProps) {
  const { view, go } = useRoute();
  const dialog = useRef<HTMLDialogElement>(null);
  const breakdown = findBreakdown(panel, view.breakdowns[panel.id]);
  const offset = (view.detailsPage - 1) * DETAILS_ROWS;
  const requestOf = (limit: number, from: number) =>
    breakdownRequest(view.site, breakdown, breakdown.more, range, { limit, offset: from });
  const { data, error, isFresh, retry } = useQuery(requestOf(DETAILS_ROWS, offset), tick);
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
            <h2 id="details-title">{titleOf(panel, breakdown)}</h2>
            <p class="quiet">{periodText}</p>
          </div>
          <button type="button" class="button" onClick={close}>
            Close
          </button>
        </header>
        <div class={`scroll${isFresh || error || !data ? '' : ' stale'}`} tabIndex={0}>
          {error ? (
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
