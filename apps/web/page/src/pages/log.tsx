// Log: what was done in this case, each record chained to the one before.
import { useState } from 'preact/hooks';
import { get } from '../api/client';
import type { LogPage as LogAnswer } from '../api/types';
import { count, momentOf } from '../core/text';
import { Copy, Empty, Problem, Skeleton } from '../parts/basic';
import { useIsPhone, useLoad, useTitle } from '../parts/hooks';

const perPage = 200;

/** The log keeps seconds since 1970; a server may also say it as text. */
function timeText(time: string): string {
  return /^\d+(\.\d+)?$/.test(time) ? `${momentOf(Number(time))}` : time.replace('T', ' ').replace(/(\.\d+)?Z$/, '');
}

export function LogPage() {
  const isPhone = useIsPhone();
  const [offset, setOffset] = useState<number | undefined>();
  const head = useLoad('log head', (signal) => get<LogAnswer>('/log', { limit: 1 }, signal));
  const total = head.value?.total ?? 0;
  const lastPage = Math.max(0, Math.floor((total - 1) / perPage) * perPage);
  const first = offset ?? lastPage;
  const page = useLoad(head.value ? `log ${first}` : null, (signal) => get<LogAnswer>('/log', { offset: first, limit: perPage }, signal));
  const records = page.value?.records;
  const problem = head.error ?? page.error;
  useTitle('Log');
  return (
    <div class="page">
      <div class="page-head">
        <h1>Log</h1>
        <div class="page-tools">
          <button type="button" onClick={() => { head.reload(); page.reload(); setOffset(undefined); }}>Look again</button>
        </div>
      </div>
      <p>What was done, in order, and never changed afterwards: each record holds the hash of the one before.
        <span class="faint"> Check it with <code>salvage case verify</code>.</span></p>
      {total > 0 || !head.value
        ? (
          <p class="log-head"><span class="faint">Hash of the last record</span> <code class="break">{head.value?.head ?? ''}</code>
            {head.value?.head && <Copy text={head.value.head} label="Copy the hash" />}</p>
        )
        : null}
      {problem && <Problem facts={problem} onAgain={() => { head.reload(); page.reload(); }} />}
      {head.value && total === 0 && <Empty title="Nothing was done yet." />}
      {(!head.value || (total > 0 && !records)) && !head.error && !page.error && <Skeleton lines={40} label="Loading the log" />}
      {records && records.length > 0 && (
        <div class={isPhone ? '' : 'scroll-x'} {...(isPhone ? {} : { tabIndex: 0, role: 'region', 'aria-label': 'Records' })}>
          <table class="table table-dense log-table">
            <thead><tr><th scope="col" class="number">No.</th><th scope="col">When (UTC)</th><th scope="col">What</th><th scope="col">Event</th></tr></thead>
            <tbody>
              {records.map((record) => (
                <tr key={record.number}>
                  <td class="number" data-label="No.">{count(record.number)}</td>
                  <td class="nowrap" data-label="When">{timeText(record.time)}</td>
                  <td data-label="What"><bdi>{record.text}</bdi></td>
                  <td data-label="Event"><code>{record.event}</code></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {total > perPage && (
        <div class="pager">
          <button type="button" disabled={first === 0} onClick={() => setOffset(Math.max(0, first - perPage))}>Earlier</button>
          <span class="faint number" role="status">{count(first + 1)} to {count(first + (records?.length ?? 0))} of {count(total)} records</span>
          <button type="button" disabled={first >= lastPage} onClick={() => setOffset(first + perPage)}>Later</button>
        </div>
      )}
    </div>
  );
}
