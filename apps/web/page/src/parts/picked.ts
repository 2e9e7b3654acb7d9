// Files and folders that are marked to be taken out together.  Live and deleted ones are two trees, so two sets.
import { send, url } from '../api/client';
import { Store } from '../core/store';

export interface Picked {
  deleted: boolean;
  keys: ReadonlySet<string>;
}

export const most = 10_000;
export const picked = new Store<Picked>({ deleted: false, keys: new Set() });

export function toggle(key: string, deleted: boolean): void {
  picked.update((now) => {
    const keys = new Set(now.deleted === deleted ? now.keys : []);
    if (!keys.delete(key) && keys.size < most) {
      keys.add(key);
    }
    return { deleted, keys };
  });
}

export function clear(): void {
  picked.update((now) => ({ ...now, keys: new Set() }));
}

/** Names what is wanted, then lets the browser fetch it as a file. */
export async function download(keys: Iterable<string>, deleted: boolean, format: 'zip' | 'tar'): Promise<void> {
  const { id } = await send<{ id: string }>('POST', '/selections', { keys: [...keys], deleted });
  const link = document.createElement('a');
  link.href = url(`/download/${encodeURIComponent(id)}`, { format });
  link.download = '';
  document.body.append(link);
  link.click();
  link.remove();
}
