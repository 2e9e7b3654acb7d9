// What views share: loading from the server, sizes, titles.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RefObject } from 'preact';
import { asFacts } from '../api/client';
import type { ErrorFacts } from '../api/types';

export interface Loaded<T> {
  value: T | undefined;
  error: ErrorFacts | undefined;
  isLoading: boolean;
  reload: () => void;
}

/** Loads when `key` changes, and when asked again; what is there stays until the new is.  Null: nothing to load. */
export function useLoad<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key: string | null; value?: T; error?: ErrorFacts }>({ key: null });
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    if (key === null) {
      return;
    }
    const stop = new AbortController();
    latest
      .current(stop.signal)
      .then((value) => !stop.signal.aborted && setState({ key, value }))
      .catch((problem: unknown) => !stop.signal.aborted && setState({ key, error: asFacts(problem) }));
    return () => stop.abort();
  }, [key, round]);
  const reload = useCallback(() => setRound((value) => value + 1), []);
  const isThis = state.key === key;
  return {
    value: isThis ? state.value : undefined,
    error: isThis ? state.error : undefined,
    isLoading: key !== null && !isThis,
    reload,
  };
}

/** An action that a button starts: running or not, and what went wrong. */
export function useAction<Arguments extends unknown[]>(
  act: (...values: Arguments) => Promise<void>,
): { run: (...values: Arguments) => void; isRunning: boolean; error: ErrorFacts | undefined; clear: () => void } {
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<ErrorFacts | undefined>();
  const run = (...values: Arguments) => {
    setRunning(true);
    setError(undefined);
    act(...values)
      .catch((problem: unknown) => setError(asFacts(problem)))
      .finally(() => setRunning(false));
  };
  return { run, isRunning, error, clear: () => setError(undefined) };
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} - Salvage`;
  }, [title]);
}

/** Width and height of an element, kept up to date. */
export function useSize<T extends HTMLElement>(): [RefObject<T>, { width: number; height: number }] {
  const ref = useRef<T>(null);
  const [box, setBox] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) {
      return;
    }
    const measure = () => {
      const next = { width: element.clientWidth, height: element.clientHeight };
      setBox((last) => (last.width === next.width && last.height === next.height ? last : next));
    };
    measure();
    const watcher = new ResizeObserver(measure);
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  return [ref, box];
}

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const take = () => setMatches(list.matches);
    take();
    list.addEventListener('change', take);
    return () => list.removeEventListener('change', take);
  }, [query]);
  return matches;
}

export const useIsPhone = () => useMedia('(max-width: 699px)');
