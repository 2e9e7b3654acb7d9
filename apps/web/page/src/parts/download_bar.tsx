// What is marked, and the buttons that fetch it.
import { useStore } from '../core/store';
import { counted } from '../core/text';
import { Problem } from './basic';
import { useAction } from './hooks';
import { clear, download, picked } from './picked';

export function DownloadBar() {
  const marked = useStore(picked);
  const fetchIt = useAction((format: 'zip' | 'tar') => download(marked.keys, marked.deleted, format));
  const isNone = marked.keys.size === 0;
  return (
    <div class="download-bar" role="group" aria-label="Marked files">
      <span role="status" class={isNone ? 'faint' : ''}>{isNone ? 'Nothing marked' : `${counted(marked.keys.size, 'thing')} marked`}</span>
      <button type="button" disabled={isNone || fetchIt.isRunning} onClick={() => fetchIt.run('zip')}>Download as zip</button>
      <button type="button" disabled={isNone || fetchIt.isRunning} onClick={() => fetchIt.run('tar')}>as tar</button>
      <button type="button" disabled={isNone} onClick={clear}>Unmark all</button>
      {fetchIt.error && <Problem facts={fetchIt.error} />}
    </div>
  );
}
