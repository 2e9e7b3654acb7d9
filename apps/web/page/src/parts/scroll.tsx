// A window onto a long list: rows of one height, drawn only where they are seen.
import type { ComponentChildren, RefObject } from 'preact';
import { useCallback, useLayoutEffect, useState } from 'preact/hooks';
import { Rows, type Window } from '../core/virtual';
import { useSize } from './hooks';

export interface RowWindow {
  ref: RefObject<HTMLDivElement>;
  rows: Rows;
  window: Window;
  onScroll: () => void;
  scrollTo: (row: number) => void;
}

export function useRows(count: number, height: number): RowWindow {
  const [ref, box] = useSize<HTMLDivElement>();
  const [top, setTop] = useState(0);
  const rows = new Rows(count, height, box.height);
  useLayoutEffect(() => {
    // A shorter list may have left the scroll bar further up than we remember.
    setTop(ref.current?.scrollTop ?? 0);
  }, [count, height, box.height]);
  const scrollTo = useCallback((row: number) => {
    const element = ref.current;
    if (!element) {
      return;
    }
    const now = new Rows(count, height, element.clientHeight);
    const first = now.rowAt(element.scrollTop);
    const shown = element.clientHeight / height;
    if (row < first) {
      element.scrollTop = now.scrollFor(row);
    } else if (row + 1 > first + shown) {
      element.scrollTop = now.scrollFor(row + 1 - shown);
    }
  }, [count, height]);
  return { ref, rows, window: rows.window(top), onScroll: () => setTop(ref.current?.scrollTop ?? 0), scrollTo };
}

/** The ground that gives the scroll bar its length, and on it the rows that are seen. */
export function Ground({ rows, window, children }: { rows: Rows; window: Window; children: ComponentChildren }) {
  return (
    <div class="ground" role="presentation" style={{ height: `${rows.ground}px` }}>
      <div class="ground-rows" role="presentation" style={{ transform: `translateY(${window.top}px)` }}>{children}</div>
    </div>
  );
}
