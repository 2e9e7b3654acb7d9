// One contact, call, appointment …: everything that is known of it, and the row it came from.
import { get } from '../api/client';
import { workplace } from '../api/state';
import type { ItemTable } from '../api/types';
import { numberParameter, parameter, useAddress } from '../core/router';
import { useStore } from '../core/store';
import { Empty, Link, Problem, Skeleton } from '../parts/basic';
import { useLoad, useTitle } from '../parts/hooks';
import { itemsPath, pictureAddress } from './items';
import { NotOpened } from './waiting';

export function ItemPage() {
  const { query } = useAddress();
  const work = useStore(workplace);
  const kind = parameter(query, 'kind') ?? 'contacts';
  const text = parameter(query, 'text') ?? '';
  const index = numberParameter(query, 'n') ?? 0;
  const item = useLoad(work?.is_open ? `${kind} ${index} ${text}` : null, (signal) => (
    get<ItemTable>(`/items/${encodeURIComponent(kind)}`, { offset: index, limit: 1, ...(text === '' ? {} : { text }) }, signal)));
  const cells = item.value?.rows[0];
  const title = cells?.[0]?.[0] || (item.value?.title ?? 'Item');
  useTitle(title);
  if (!work?.is_open) {
    return <NotOpened title="Contacts and lists" />;
  }
  const picture = cells?.find((cell) => cell[2] !== null)?.[2];
  return (
    <div class="page">
      <p><Link to={`${itemsPath(kind)}?kind=${encodeURIComponent(kind)}${text === '' ? '' : `&text=${encodeURIComponent(text)}`}`}>All of them</Link></p>
      <h1 class="file-title"><bdi>{title}</bdi></h1>
      {item.error && <Problem facts={item.error} onAgain={item.reload} />}
      {!item.value && !item.error && <Skeleton lines={6} />}
      {item.value && !cells && <Empty title="There is nothing at this place of the list." />}
      {cells && (
        <dl class="facts">
          {cells.map((cell, i) => cell[0] !== '' && (
            <div key={i}><dt>{item.value?.columns[i] ?? ''}</dt><dd class="item-value"><bdi>{cell[0]}</bdi></dd></div>
          ))}
        </dl>
      )}
      {picture !== undefined && picture !== null && <img class="item-portrait" src={pictureAddress(picture)} alt="" />}
    </div>
  );
}
