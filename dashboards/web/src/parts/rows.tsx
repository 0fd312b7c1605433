// The table of a breakdown: one row a value, with a bar behind its name. Values come from visitors'
// browsers: they are text, in whatever direction they are written, and nothing else. A name that can
// filter is a link to the page about it alone.

import { canFilter, isFilter } from '../filters';
import { formatShare, isNumber, type Value } from '../format';
import { canDrawFlags } from '../flags';
import { METRICS, type Metric } from '../metrics';
import { isPath, nameOf, pageUrl } from '../names';
import type { Breakdown } from '../panels';
import type { QueryRow } from '../query';
import { useRoute } from '../route';
import { Link } from './link';

interface RowsProps {
  site: string;
  breakdown: Breakdown;
  metrics: readonly Metric[];
  rows: QueryRow[];
  /** The whole that shares are of; null: no shares. */
  total: Value;
  /** What a full bar stands for. */
  largest: number;
  caption: string;
}

export function Rows({ site, breakdown, metrics, rows, total, largest, caption }: RowsProps) {
  const hasShare = breakdown.hasShare && isNumber(total);
  return (
    <table class="rows">
      <caption class="sr-only">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{breakdown.rowName}</th>
          {metrics.map((metric) => (
            <th key={metric} scope="col" title={METRICS[metric].explanation}>
              {METRICS[metric].column}
            </th>
          ))}
          {hasShare && <th scope="col">Share</th>}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const value = row.dimensions[0] ?? '';
          const size = row.metrics[0] ?? 0;
          const percent = largest > 0 ? Math.min(100, (Math.max(0, size) / largest) * 100) : 0;
          return (
            <tr key={value}>
              <th scope="row">
                <span class="bar" style={{ width: `${percent}%` }} />
                <RowName site={site} dimension={breakdown.dimension} value={value} />
              </th>
              {metrics.map((metric, at) => (
                <td key={metric} title={METRICS[metric].format(row.metrics[at])}>
                  {METRICS[metric].short(row.metrics[at])}
                </td>
              ))}
              {hasShare && <td class="quiet">{formatShare(size, total)}</td>}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

interface RowNameProps {
  site: string;
  dimension: string;
  value: string;
}

function RowName({ site, dimension, value }: RowNameProps) {
  const name = nameOf(dimension, value);
  const url = pageUrl(site, dimension, value);
  const { view } = useRoute();
  const text = (
    <bdi class="name" title={name.text} dir={isPath(dimension) ? 'ltr' : 'auto'}>
      {name.text}
    </bdi>
  );
  return (
    <span class="row-name">
      {name.mark && canDrawFlags() && (
        <span class="mark" aria-hidden="true">
          {name.mark}
        </span>
      )}
      {canFilter(dimension, value) && !isFilter(view.filter, dimension, value) ? (
        <Link
          class="name-link"
          to={{ filter: { dimension, value }, details: null, detailsPage: 1 }}
          title={`Only ${name.text}`}
        >
          {text}
        </Link>
      ) : (
        text
      )}
      {name.detail && <span class="quiet detail">{name.detail}</span>}
      {url && (
        <a
          class="visit"
          href={url}
          target="_blank"
          rel="noreferrer noopener"
          aria-label={`Open ${name.text}`}
        >
          <span aria-hidden="true">↗</span>
        </a>
      )}
    </span>
  );
}
