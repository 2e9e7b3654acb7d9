// Addresses of views.  Every view has one; the browser's own back and forward work.
//
// A query is kept as it stands: the key of a file (bytes, percent-encoded) must not be decoded on its way.
import { Store, useStore } from './store';

export interface Address {
  path: string;
  query: string;
}

const here = (): Address => ({ path: location.pathname, query: location.search.replace(/^\?/, '') });
const address = new Store<Address>(here());

addEventListener('popstate', () => address.set(here()));

/** Goes to a view; `replace` leaves no step for the back button. */
export function go(to: string, how: { replace?: boolean } = {}): void {
  if (how.replace) {
    history.replaceState(null, '', to);
  } else {
    history.pushState(null, '', to);
  }
  const before = address.get().path;
  address.set(here());
  if (!how.replace && address.get().path !== before) {
    const main = document.getElementById('main');
    main?.scrollTo(0, 0);
    main?.focus({ preventScroll: true });
  }
}

export function useAddress(): Address {
  return useStore(address);
}

/** The value as it stands in the query, not decoded. */
export function rawParameter(query: string, name: string): string | undefined {
  for (const part of query.split('&')) {
    if (part.startsWith(`${name}=`)) {
      return part.slice(name.length + 1);
    }
  }
  return undefined;
}

/** The value as text; undefined where there is none, or where it is no text. */
export function parameter(query: string, name: string): string | undefined {
  const raw = rawParameter(query, name);
  if (raw === undefined) {
    return undefined;
  }
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** A whole number from 0; undefined for anything else. */
export function numberParameter(query: string, name: string): number | undefined {
  const text = parameter(query, name);
  if (text === undefined || !/^\d{1,16}$/.test(text)) {
    return undefined;
  }
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A key out of an address: what cannot be part of one is dropped, so that it stays one parameter. */
export function keyParameter(query: string, name = 'path'): string {
  const raw = rawParameter(query, name) ?? '/';
  return /^[A-Za-z0-9\-._~/%]+$/.test(raw) ? raw : '/';
}

/** Whether a click on a link is for this page, and not for a new tab or window. */
export function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}
