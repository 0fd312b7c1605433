// The period picker: named periods with their keys, a custom one, and what to compare with.

import { useEffect, useRef, useState } from 'preact/hooks';
import {
  PERIODS,
  isDay,
  namePeriod,
  periodText,
  rangeOf,
  rangeText,
  shiftPeriod,
  type Comparison,
  type Day,
  type NamedPeriod,
} from '../dates';
import { useRoute } from '../route';
import { Link } from './link';

const KEYS: Record<NamedPeriod, string> = {
  today: 'D',
  yesterday: 'E',
  '7d': 'W',
  '28d': 'F',
  '30d': 'T',
  month: 'M',
  '12mo': 'L',
  year: 'Y',
  all: 'A',
};
const KEY_COMPARE = 'X';

const COMPARISONS: { mode: Comparison | null; text: string }[] = [
  { mode: 'previous_period', text: 'The period before' },
  { mode: 'year_over_year', text: 'A year earlier' },
  { mode: null, text: 'Nothing' },
];

/** One letter a period, arrows to step; not while something is being typed or a dialog is open. */
function useShortcuts(today: Day): void {
  const { view, go } = useRoute();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const target = event.target instanceof Element ? event.target : null;
      if (event.metaKey || event.ctrlKey || event.altKey || event.isComposing || view.details)
        return;
      if (target?.closest('input, select, textarea, [role=tablist]')) return;
      const key = event.key.toUpperCase();
      const named = PERIODS.find((period) => KEYS[period] === key);
      if (named) go({ period: named });
      else if (key === KEY_COMPARE)
        go(({ comparison }) => ({ comparison: comparison ? null : 'previous_period' }));
      else if (key === 'ARROWLEFT' || key === 'ARROWRIGHT')
        go(({ period }) => ({
          period: shiftPeriod(period, key === 'ARROWLEFT' ? -1 : 1, today) ?? period,
        }));
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  });
}

export function PeriodPicker({ today }: { today: Day }) {
  const { view } = useRoute();
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useShortcuts(today);

  useEffect(() => {
    if (!isOpen) return undefined;
    const onPointer = (event: PointerEvent): void => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false);
    };
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape') return;
      setOpen(false);
      button.current?.focus();
    };
    addEventListener('pointerdown', onPointer);
    addEventListener('keydown', onKeyDown);
    return () => {
      removeEventListener('pointerdown', onPointer);
      removeEventListener('keydown', onKeyDown);
    };
  }, [isOpen]);

  const range = rangeOf(view.period, today);
  const name = periodText(view.period, today);
  const dates = typeof view.period === 'string' && range ? rangeText(range, today) : null;
  return (
    <div class="period" ref={root}>
      <Step steps={-1} today={today} />
      <button
        ref={button}
        type="button"
        class="button period-button"
        aria-expanded={isOpen}
        aria-controls="period-menu"
        onClick={() => setOpen(!isOpen)}
      >
        <span>{name}</span>
        {dates && <span class="quiet wide-only">{dates}</span>}
        <span class="caret" aria-hidden="true" />
      </button>
      <Step steps={1} today={today} />
      {isOpen && <PeriodMenu today={today} onDone={() => setOpen(false)} />}
    </div>
  );
}

function Step({ steps, today }: { steps: -1 | 1; today: Day }) {
  const { view } = useRoute();
  const shifted = shiftPeriod(view.period, steps, today);
  const label = steps < 0 ? 'Earlier' : 'Later';
  const arrow = <span aria-hidden="true">{steps < 0 ? '‹' : '›'}</span>;
  if (!shifted) {
    return (
      <span class="step off" role="link" aria-disabled="true" aria-label={label}>
        {arrow}
      </span>
    );
  }
  return (
    <Link class="step" to={{ period: shifted }} label={label}>
      {arrow}
    </Link>
  );
}

function PeriodMenu({ today, onDone }: { today: Day; onDone: () => void }) {
  const { view } = useRoute();
  return (
    <div class="menu" id="period-menu">
      <ul aria-label="Period">
        {PERIODS.map((period) => (
          <li key={period}>
            <Link
              class="menu-item"
              to={{ period, interval: null }}
              isCurrent={view.period === period}
              onFollow={onDone}
            >
              <span>{periodText(period, today)}</span>
              <kbd>{KEYS[period]}</kbd>
            </Link>
          </li>
        ))}
      </ul>
      <CustomPeriod today={today} onDone={onDone} />
      <h3>
        Compared with <kbd>{KEY_COMPARE}</kbd>
      </h3>
      <ul aria-label="Comparison">
        {COMPARISONS.map(({ mode, text }) => (
          <li key={text}>
            <Link
              class="menu-item"
              to={{ comparison: mode }}
              isCurrent={view.comparison === mode}
              onFollow={onDone}
            >
              {text}
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}

function CustomPeriod({ today, onDone }: { today: Day; onDone: () => void }) {
  const { view, go } = useRoute();
  const range = rangeOf(view.period, today) ?? { from: today, to: today };
  const [from, setFrom] = useState(range.from);
  const [to, setTo] = useState(range.to);
  const isValid = isDay(from) && isDay(to) && from <= to && to <= today;
  const apply = (): void => {
    go({ period: namePeriod({ from, to }, today), interval: null });
    onDone();
  };
  return (
    <div class="custom" role="group" aria-label="Custom period">
      <label>
        From
        <input
          type="date"
          value={from}
          max={to}
          onInput={(event) => setFrom(event.currentTarget.value)}
        />
      </label>
      <label>
        To
        <input
          type="date"
          value={to}
          min={from}
          max={today}
          onInput={(event) => setTo(event.currentTarget.value)}
        />
      </label>
      <button type="button" class="button primary" disabled={!isValid} onClick={apply}>
        Show
      </button>
    </div>
  );
}
