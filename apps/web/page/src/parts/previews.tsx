// What a file holds: as text, as bytes, as tables.
import { useState } from 'preact/hooks';
import { get, getBytes, Key } from '../api/client';
import type { SqlValue, Table } from '../api/types';
import { hexByte, printable } from '../core/rows';
import { count, counted, size } from '../core/text';
import { Empty, Problem, Skeleton } from './basic';
import { useIsPhone, useLoad } from './hooks';

const textBytes = 65_536;
const bytesShown = 2048;
const rowsShown = 100;

function Pager({ first, shown, total, step, unit, onMove }: {
  first: number; shown: number; total: number; step: number; unit: string; onMove: (first: number) => void;
}) {
  return (
    <div class="pager">
      <button type="button" disabled={first === 0} onClick={() => onMove(Math.max(0, first - step))}>Earlier</button>
      <span class="faint number" role="status">{total === 0 ? `no ${unit}` : `${count(first + 1)} to ${count(first + shown)} of ${count(total)} ${unit}`}</span>
      <button type="button" disabled={first + shown >= total} onClick={() => onMove(first + step)}>Later</button>
    </div>
  );
}

export function TextPreview({ address, size: total }: { address: string; size: number }) {
  const [first, setFirst] = useState(0);
  const loaded = useLoad(`${address} ${first}`, () => getBytes(address, first, Math.min(total, first + textBytes) - 1));
  if (loaded.error) {
    return <Problem facts={loaded.error} onAgain={loaded.reload} />;
  }
  return (
    <>
      {loaded.value
        ? <pre class="preview-text" tabIndex={0} aria-label="The file as text" role="region"><bdi>{new TextDecoder().decode(loaded.value)}</bdi></pre>
        : <Skeleton lines={12} label="Loading the text" />}
      {total > textBytes && <Pager first={first} shown={Math.min(textBytes, total - first)} total={total} step={textBytes} unit="bytes" onMove={setFirst} />}
    </>
  );
}

export function BytesPreview({ address, size: total, lost }: { address: string; size: number; lost: readonly { at: number; length: number }[] }) {
  const [first, setFirst] = useState(0);
  const perRow = useIsPhone() ? 8 : 16;
  const loaded = useLoad(`${address} ${first}`, () => getBytes(address, first, Math.min(total, first + bytesShown) - 1));
  if (loaded.error) {
    return <Problem facts={loaded.error} onAgain={loaded.reload} />;
  }
  const data = loaded.value;
  const isLost = (offset: number) => lost.some((each) => offset >= each.at && offset < each.at + each.length);
  const rows = [];
  for (let at = 0; data && at < data.length; at += perRow) {
    const part = [...data.slice(at, at + perRow)];
    const bytes = part.map((byte, i) => (isLost(first + at + i) ? '??' : hexByte(byte))).join(' ').padEnd(perRow * 3 - 1);
    rows.push(`${(first + at).toString(16).padStart(8, '0')}  ${bytes}  ${part.map(printable).join('')}`);
  }
  return (
    <>
      {data
        ? <pre class="preview-bytes" tabIndex={0} role="region" aria-label="The file as bytes">{rows.join('\n')}</pre>
        : <Skeleton lines={20} label="Loading the bytes" />}
      <Pager first={first} shown={data?.length ?? 0} total={total} step={bytesShown} unit="bytes" onMove={setFirst} />
    </>
  );
}

function Value({ value }: { value: SqlValue }) {
  if (value === null) {
    return <span class="faint">empty</span>;
  }
  if (typeof value === 'object') {
    return <span class="faint">{size(value.blob)} of bytes</span>;
  }
  return typeof value === 'number' ? <span class="number">{String(value)}</span> : <bdi>{value}</bdi>;
}

function Rows({ table }: { table: Table }) {
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label={`Rows of ${table.table ?? 'the table'}`}>
      <table class="table table-dense table-rows">
        <thead><tr>{table.columns.map((column, i) => <th key={i} scope="col"><bdi>{column}</bdi></th>)}</tr></thead>
        <tbody>
          {table.rows.map((row, i) => <tr key={i}>{row.map((value, j) => <td key={j}><Value value={value} /></td>)}</tr>)}
        </tbody>
      </table>
    </div>
  );
}

export function SqlitePreview({ file, deleted }: { file: string; deleted: boolean }) {
  const [chosen, setChosen] = useState<string | undefined>();
  const [first, setFirst] = useState(0);
  const query = { path: new Key(file), deleted: deleted ? 1 : 0 };
  const names = useLoad(`tables ${file} ${String(deleted)}`, (signal) => get<Table>('/sqlite', query, signal));
  const name = chosen ?? names.value?.tables.find((each) => (each.rows ?? 0) > 0)?.name ?? names.value?.tables[0]?.name;
  const rows = useLoad(name === undefined ? null : `rows ${file} ${String(deleted)} ${name} ${first}`, (signal) =>
    get<Table>('/sqlite', { ...query, table: name, offset: first, limit: rowsShown }, signal));
  if (names.error) {
    return <Problem facts={names.error} onAgain={names.reload} />;
  }
  if (!names.value) {
    return <Skeleton lines={10} label="Reading the database" />;
  }
  if (names.value.tables.length === 0) {
    return <Empty title="The database has no tables." />;
  }
  return (
    <>
      <label class="field-inline">
        <span>Table</span>
        <select value={name} onChange={(event) => { setChosen(event.currentTarget.value); setFirst(0); }}>
          {names.value.tables.map((each) => (
            <option key={each.name} value={each.name}>{each.name}{each.rows !== null ? ` (${counted(each.rows, 'row')})` : ''}</option>
          ))}
        </select>
      </label>
      {rows.error && <Problem facts={rows.error} onAgain={rows.reload} />}
      {!rows.value && !rows.error && <Skeleton lines={10} label="Reading the rows" />}
      {(rows.value?.problem ?? names.value.problem) && <p class="notice" role="status">Rows may be missing: {rows.value?.problem ?? names.value.problem}</p>}
      {rows.value && rows.value.total === 0 && <Empty title="This table has no rows." />}
      {rows.value && rows.value.total > 0 && <Rows table={rows.value} />}
      {rows.value && <Pager first={first} shown={rows.value.rows.length} total={rows.value.total} step={rowsShown} unit="rows" onMove={setFirst} />}
    </>
  );
}
