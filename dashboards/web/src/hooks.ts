// What the components share: loading with refresh, the live stream, the clock, the URL.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { fetchQuery, liveUrl, parseLive, type ApiError, type LiveNow, type Result } from './api';
import type { QueryAnswer, QueryRequest } from './query';

export interface Loaded<T> {
  /** The last answer; of an earlier request while `isFresh` is false. */
  data: T | null;
  /** Why there is no answer to this request. */
  error: ApiError | null;
  isFresh: boolean;
  retry: () => void;
}

/** Loads once a `key`, and again, silently, each time `tick` moves. A refresh never overtakes the
 *  load before it; a failed refresh keeps what is there. */
export function useLoaded<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<Result<T>>,
  tick: number,
): Loaded<T> {
  const [state, setState] = useState<{
    key: string;
    data: T | null;
    error: ApiError | null;
  } | null>(null);
  const [attempt, setAttempt] = useState(0);
  const refresh = useRef<(() => void) | null>(null);
  const latestLoad = useRef(load);
  latestLoad.current = load;

  useEffect(() => {
    if (key === null) return undefined;
    const abort = new AbortController();
    let isLoading = false;
    let isAskedAgain = false;
    const run = async (): Promise<void> => {
      if (isLoading) {
        isAskedAgain = true;
        return;
      }
      isLoading = true;
      const result = await latestLoad.current(abort.signal);
      isLoading = false;
      if (abort.signal.aborted) return;
      setState((old) => {
        if (result.ok) return { key, data: result.value, error: null };
        const isKept = old !== null && old.key === key && old.data !== null;
        return isKept ? old : { key, data: old?.data ?? null, error: result.error };
      });
      if (isAskedAgain) {
        isAskedAgain = false;
        void run();
      }
    };
    refresh.current = () => void run();
    void run();
    return () => {
      refresh.current = null;
      abort.abort();
    };
  }, [key, attempt]);

  const firstTick = useRef(tick);
  useEffect(() => {
    if (tick === firstTick.current) return;
    firstTick.current = tick;
    refresh.current?.();
  }, [tick]);

  const isCurrent = state !== null && state.key === key;
  const retry = useCallback(() => setAttempt((count) => count + 1), []);
  return {
    data: state?.data ?? null,
    error: isCurrent ? state.error : null,
    isFresh: isCurrent && state.error === null,
    retry,
  };
}

export function useQuery(request: QueryRequest | null, tick: number): Loaded<QueryAnswer> {
  const load = (signal: AbortSignal): Promise<Result<QueryAnswer>> =>
    request ? fetchQuery(request, signal) : new Promise(() => undefined);
  return useLoaded(request && JSON.stringify(request), load, tick);
}

export interface Live {
  now: LiveNow | null;
  isConnected: boolean;
  /** Moves when the stream says that something has changed. */
  pulse: number;
}

const LIVE_RETRY_MS = 5_000;
const POLL_WITHOUT_LIVE_MS = 30_000;

/** Follows a site's live stream while the tab can be seen; asks now and then where there is none. */
export function useLive(site: string | null): Live {
  const [live, setLive] = useState<Live>({ now: null, isConnected: false, pulse: 0 });

  useEffect(() => {
    setLive({ now: null, isConnected: false, pulse: 0 });
    if (site === null) return undefined;
    let stream: EventSource | null = null;
    let retry: number | undefined;
    const pulse = (change: Partial<Live>): void =>
      setLive((old) => ({ ...old, ...change, pulse: old.pulse + 1 }));
    const close = (): void => {
      clearTimeout(retry);
      stream?.close();
      stream = null;
    };
    const open = (): void => {
      close();
      if (document.hidden) return;
      stream = new EventSource(liveUrl(site));
      stream.onopen = () => pulse({ isConnected: true });
      stream.onmessage = (message) => {
        const now = parseLive(String(message.data));
        if (now) pulse({ now, isConnected: true });
      };
      stream.onerror = () => {
        setLive((old) => ({ ...old, isConnected: false }));
        // The browser itself tries again unless the answer was an error.
        if (stream?.readyState === EventSource.CLOSED)
          retry = window.setTimeout(open, LIVE_RETRY_MS);
      };
    };
    const onVisibility = (): void => (document.hidden ? close() : open());
    open();
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
      document.removeEventListener('visibilitychange', onVisibility);
      close();
    };
  }, [site]);

  useEffect(() => {
    if (site === null || live.isConnected) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) setLive((old) => ({ ...old, pulse: old.pulse + 1 }));
    }, POLL_WITHOUT_LIVE_MS);
    return () => clearInterval(timer);
  }, [site, live.isConnected]);

  return live;
}

/** Follows `value`, at most once in `pause_ms`: at once when idle, the last one never lost. */
export function useThrottled(value: number, pause_ms: number): number {
  const [shown, setShown] = useState(value);
  const latest = useRef(value);
  latest.current = value;
  const given = useRef(value);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => {
    const give = (): void => {
      timer.current = undefined;
      if (given.current === latest.current) return;
      given.current = latest.current;
      setShown(latest.current);
      timer.current = window.setTimeout(give, pause_ms);
    };
    if (timer.current === undefined) give();
  }, [value, pause_ms]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return shown;
}

const CLOCK_MS = 20_000;

/** The time, good enough to notice a new hour or day. */
export function useClock(): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), CLOCK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** An element's width, and again whenever it changes; 0 before it is known. */
export function useWidth<T extends HTMLElement>(): [(element: T | null) => void, number] {
  const [element, setElement] = useState<T | null>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return [setElement, width];
}
