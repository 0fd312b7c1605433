// The headline numbers. Each is a button that puts its metric in the chart.

import { changeOf, formatShort, type Value } from '../format';
import { METRICS, type HeadlineMetric } from '../metrics';

interface HeadlineProps {
  metrics: readonly HeadlineMetric[];
  /** In their order; null while loading for the first time. */
  values: Value[] | null;
  comparison: HeadlineComparison | null;
  isFresh: boolean;
  metric: HeadlineMetric;
  onMetric: (metric: HeadlineMetric) => void;
}

/** What changed, over full days; or what there was on a day before, for a day that still runs. */
export interface HeadlineComparison {
  values: Value[];
  before: Value[];
  /** The days of `before`, in words. */
  text: string;
  /** Sums of a running day against those of a whole one: shown, but not called a change. */
  isRunningDay: boolean;
}

export function Headline(props: HeadlineProps) {
  return (
    <div
      class={`headline${props.isFresh || !props.values ? '' : ' stale'}`}
      role="group"
      aria-label="Headline numbers"
    >
      {props.metrics.map((metric, at) => (
        <button
          key={metric}
          type="button"
          class="tile"
          title={METRICS[metric].explanation}
          aria-pressed={metric === props.metric}
          onClick={() => props.onMetric(metric)}
        >
          <span class="tile-label">{METRICS[metric].label}</span>
          <span
            class="tile-value"
            data-metric={metric}
            title={METRICS[metric].format(props.values?.[at])}
          >
            {props.values ? (
              METRICS[metric].short(props.values[at])
            ) : (
              <span class="skeleton">0000</span>
            )}
          </span>
          <ChangeLine metric={metric} comparison={props.comparison} at={at} />
        </button>
      ))}
    </div>
  );
}

interface ChangeLineProps {
  metric: HeadlineMetric;
  comparison: HeadlineComparison | null;
  at: number;
}

function ChangeLine({ metric, comparison, at }: ChangeLineProps) {
  const info = METRICS[metric];
  if (!comparison) return <span class="change">&nbsp;</span>;
  const now = comparison.values[at];
  const then = comparison.before[at];
  if (comparison.isRunningDay && info.isSum) {
    return (
      <span class="change" title={`${comparison.text}, the whole day: ${info.format(then)}`}>
        vs {formatShort(then)}
      </span>
    );
  }
  const title = `${info.format(now)} against ${info.format(then)} (${comparison.text}), over full days`;
  const change = changeOf(now, then, info.inPoints);
  if (!change) {
    return (
      <span class="change" title={title}>
        –
      </span>
    );
  }
  const isGood = (change.direction === 'up') !== info.lessIsBetter;
  const tone = change.direction === 'same' ? '' : isGood ? ' good' : ' bad';
  const word = { up: 'up', down: 'down', same: 'unchanged' }[change.direction];
  return (
    <span class={`change${tone}`} title={title}>
      <span aria-hidden="true">{{ up: '▲', down: '▼', same: '=' }[change.direction]}</span>
      <span class="sr-only">{word} </span> {change.text}
    </span>
  );
}
