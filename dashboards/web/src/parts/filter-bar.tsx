// What the page is about, when not everything: the filter in words, and the way out of it.

import { filterTitle, type Filter } from '../filters';
import { isPath, nameOf } from '../names';
import { Link } from './link';

export function FilterBar({ filter }: { filter: Filter }) {
  const { text } = nameOf(filter.dimension, filter.value);
  return (
    <div class="filter-bar" role="group" aria-label="Filter">
      <span class="quiet">Only</span>
      <span class="chip">
        <span class="quiet">{filterTitle(filter)}</span>
        <bdi class="name" title={text} dir={isPath(filter.dimension) ? 'ltr' : 'auto'}>
          {text}
        </bdi>
        <Link class="chip-remove" to={{ filter: null, detailsPage: 1 }} label="Remove the filter">
          <span aria-hidden="true">✕</span>
        </Link>
      </span>
    </div>
  );
}
