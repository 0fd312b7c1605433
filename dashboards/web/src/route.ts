// The address bar as state: what is shown is parsed from it, and every change goes through it.

import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { formatView, parseView, type View } from './view';

export interface Route {
  view: View;
  /** A new entry in the history. */
  go: (change: Change) => void;
  /** The address of the view with a change: for real links. */
  href: (change: Partial<View>) => string;
}

/** What becomes different; worked out from the address as it is when a function. */
type Change = Partial<View> | ((view: View) => Partial<View>);

const current = (): View => parseView(location.pathname, location.search);

export const RouteContext = createContext<Route | null>(null);

export function useRoute(): Route {
  const route = useContext(RouteContext);
  if (!route) throw new Error('no route');
  return route;
}

/** For the root alone. */
export function useAddress(): Route {
  const [view, setView] = useState(current);
  useEffect(() => {
    const onPopState = (): void => setView(current());
    addEventListener('popstate', onPopState);
    return () => removeEventListener('popstate', onPopState);
  }, []);
  const href = (change: Partial<View>): string => formatView({ ...view, ...change });
  // From the address itself: two quick keys may come before the first one is rendered.
  const go = (change: Change): void => {
    const from = current();
    const address = formatView({
      ...from,
      ...(typeof change === 'function' ? change(from) : change),
    });
    if (address !== location.pathname + location.search) history.pushState(null, '', address);
    setView(current());
  };
  return { view, go, href };
}

/** A plain click stays in this page; with a modifier the browser opens the link its own way. */
export function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}
