// Addresses of views.  Every view has one; the browser's own back and forward work.
import { Store, useStore } from './store';

export { keyParameter, numberParameter, parameter, rawParameter } from './query';

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

/** Whether a click on a link is for this page, and not for a new tab or window. */
export function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}
