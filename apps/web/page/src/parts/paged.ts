// A list that the server hands out in pages: loaded where it is looked at.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { asFacts } from '../api/client';
import type { ErrorFacts } from '../api/types';

export interface Page<T> {
  total: number;
  items: readonly T[];
}

export interface Paged<T, P extends Page<T>> {
  total: number | undefined;
  /** The newest page that came, for what stands beside its items. */
  latest: P | undefined;
  error: ErrorFacts | undefined;
  at: (index: number) => T | undefined;
  /** Asks for what is missing in [first, end). */
  need: (first: number, end: number) => void;
  reload: () => void;
  /** Rises with every page that comes. */
  round: number;
}

interface Kept<P> {
  key: string | null;
  name: string | null;
  pages: Map<number, P | 'asked'>;
  old: Map<number, P | 'asked'>;
  total?: number;
  latest?: P;
  error?: ErrorFacts;
  stop: AbortController;
}

function emptyList<P>(key: string | null, name: string | null): Kept<P> {
  return { key, name, pages: new Map(), old: new Map(), stop: new AbortController() };
}

/** `key` names the list: another key is another list.  Null: nothing to load. */
export function usePaged<T, P extends Page<T>>(
  key: string | null,
  pageSize: number,
  load: (offset: number, limit: number, signal: AbortSignal) => Promise<P>,
): Paged<T, P> {
  const [round, setRound] = useState(0);
  const [again, setAgain] = useState(0);
  const latestLoad = useRef(load);
  latestLoad.current = load;
  const name = key === null ? null : `${key} ${again}`;
  const kept = useRef<Kept<P>>(emptyList(null, null));
  if (kept.current.name !== name) {
    const before = kept.current;
    before.stop.abort();
    kept.current = emptyList<P>(key, name);
    if (before.key === key) {
      // The same list, asked for again: what was there is shown until the new is.
      kept.current = { ...kept.current, ...before, name, pages: new Map(), old: before.pages, stop: kept.current.stop };
    }
  }
  const ask = useCallback((page: number) => {
    const list = kept.current;
    if (list.name === null || list.pages.has(page)) {
      return;
    }
    list.pages.set(page, 'asked');
    latestLoad.current(page * pageSize, pageSize, list.stop.signal).then(
      (value) => {
        if (list === kept.current) {
          list.pages.set(page, value);
          list.total = value.total;
          list.latest = value;
          delete list.error;
          setRound((last) => last + 1);
        }
      },
      (problem: unknown) => {
        if (list === kept.current && !list.stop.signal.aborted) {
          list.error = asFacts(problem);
          setRound((last) => last + 1);
        }
      },
    );
  }, [pageSize]);
  useEffect(() => ask(0), [name, ask]);
  useEffect(() => () => kept.current.stop.abort(), []);
  const need = useCallback((first: number, end: number) => {
    const total = kept.current.total ?? 1;
    const last = Math.floor((Math.min(end, total) - 1) / pageSize);
    for (let page = Math.max(0, Math.floor(first / pageSize)); page <= last; ++page) {
      ask(page);
    }
  }, [ask, pageSize]);
  const at = useCallback((index: number) => {
    const number = Math.floor(index / pageSize);
    const fresh = kept.current.pages.get(number);
    const page = fresh === undefined || fresh === 'asked' ? kept.current.old.get(number) : fresh;
    return page === undefined || page === 'asked' ? undefined : page.items[index % pageSize];
  }, [pageSize]);
  return {
    total: kept.current.total,
    latest: kept.current.latest,
    error: kept.current.error,
    at,
    need,
    reload: useCallback(() => setAgain((value) => value + 1), []),
    round,
  };
}
