// The only code that talks to the server. Every call gives a value or an error in words, and can be
// aborted; nothing throws.

import type { QueryAnswer, QueryRequest } from './query';

export interface Site {
  site_id: string;
  timezone: string;
  preset: string;
  /** How many months counts by day are kept, and those by month: 0, or fewer, for none. */
  keep_days?: number;
  keep_months?: number;
}

export interface Sites {
  sites: Site[];
  /** Where the tracker is served from, when the server knows it. */
  collector_url?: string | null;
}

/** What happens on a site right now. */
export interface LiveNow {
  active: number;
  /** Page views of the last 30 minutes, the oldest first. */
  minutes: number[];
  pages: { path: string; visits: number }[];
}

export type ApiErrorKind = 'unreachable' | 'refused' | 'failed' | 'aborted';

export interface ApiError {
  kind: ApiErrorKind;
  /** For the reader. */
  sentence: string;
}

export type Result<T> = { ok: true; value: T } | { ok: false; error: ApiError };

const TIMEOUT_MS = 20_000;

const failure = (kind: ApiErrorKind, sentence: string): { ok: false; error: ApiError } => ({
  ok: false,
  error: { kind, sentence },
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function refusal(status: number, body: unknown): { ok: false; error: ApiError } {
  const said = isObject(body) && typeof body.error === 'string' ? body.error : null;
  if (status === 429 || status === 503)
    return failure('failed', said ?? 'The server has too much to do right now.');
  if (status >= 400 && status < 500)
    return failure('refused', said ?? `The server refused this (${status}).`);
  return failure('failed', said ?? `The server could not answer (${status}).`);
}

async function request<T>(
  path: string,
  init: RequestInit,
  isAnswer: (value: unknown) => value is T,
  signal: AbortSignal,
): Promise<Result<T>> {
  const own = new AbortController();
  const onAbort = (): void => own.abort();
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) own.abort();
  const timer = setTimeout(onAbort, TIMEOUT_MS);
  try {
    const response = await fetch(path, { ...init, signal: own.signal, credentials: 'same-origin' });
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) return refusal(response.status, body);
    return isAnswer(body)
      ? { ok: true, value: body }
      : failure('failed', 'The server’s answer makes no sense.');
  } catch {
    if (signal.aborted) return failure('aborted', '');
    if (own.signal.aborted) return failure('unreachable', 'The server takes too long to answer.');
    return failure('unreachable', 'The server cannot be reached.');
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function isQueryAnswer(value: unknown): value is QueryAnswer {
  return (
    isObject(value) &&
    Array.isArray(value.results) &&
    value.results.every(
      (row) => isObject(row) && Array.isArray(row.metrics) && Array.isArray(row.dimensions),
    )
  );
}

function isSites(value: unknown): value is Sites {
  return (
    isObject(value) &&
    Array.isArray(value.sites) &&
    value.sites.every(
      (site) =>
        isObject(site) && typeof site.site_id === 'string' && typeof site.timezone === 'string',
    )
  );
}

export function fetchQuery(query: QueryRequest, signal: AbortSignal): Promise<Result<QueryAnswer>> {
  const headers = { 'content-type': 'application/json' };
  return request(
    '/api/v2/query',
    { method: 'POST', headers, body: JSON.stringify(query) },
    isQueryAnswer,
    signal,
  );
}

export function fetchSites(signal: AbortSignal): Promise<Result<Sites>> {
  return request('/api/sites', { method: 'GET' }, isSites, signal);
}

const count = (value: unknown): number => (typeof value === 'number' && value >= 0 ? value : 0);

/** One message of the live stream; null when it is none. */
export function parseLive(text: string): LiveNow | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(body)) return null;
  const minutes = Array.isArray(body.minutes) ? body.minutes.map(count) : [];
  const pages = Array.isArray(body.pages) ? body.pages.filter(isObject) : [];
  return {
    active: count(body.active),
    minutes,
    pages: pages.map((page) => ({ path: String(page.path), visits: count(page.visits) })),
  };
}

export function liveUrl(site: string): string {
  return `/api/live/${encodeURIComponent(site)}`;
}
