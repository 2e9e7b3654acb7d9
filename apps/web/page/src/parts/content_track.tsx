// What bytes look like, cell by cell: one hue from dark (low entropy) to light (high), hatching and danger for the rest.
import type { Cell, Content } from '../api/types';
import { shareOf, type Range } from '../core/scale';
import { roleClass, roles } from './report';

/** A class for the colour; the name of the pattern where it is hatched. */
function styleOf(cell: Cell): string {
  switch (cell.looks) {
    case 'hole': return 'c-hole';
    case 'unreadable': return 'c-bad';
    case 'unknown': return 'c-none';
    case 'empty': return 'e0';
    case 'encrypted': return 'e8';
    default: return `e${Math.min(7, Math.max(1, Math.round(cell.entropy ?? 4)))}`;
  }
}

interface Run {
  style: string;
  first: number;
  count: number;
}

function runsOf(cells: readonly Cell[]): Run[] {
  const out: Run[] = [];
  cells.forEach((cell, i) => {
    const style = styleOf(cell);
    const last = out[out.length - 1];
    if (last && last.style === style) {
      ++last.count;
    } else {
      out.push({ style, first: i, count: 1 });
    }
  });
  return out;
}

/** The patterns that hatched marks are filled with: once a page. */
export function Hatches() {
  return (
    <defs>
      <pattern id="h-hole" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="6" height="6" class="hatch-ground" /><line x1="0" y1="0" x2="0" y2="6" class="hatch-line" />
      </pattern>
      <pattern id="h-bad" width="6" height="6" patternUnits="userSpaceOnUse">
        <rect width="6" height="6" class="hatch-bad" /><path d="M0 0 6 6M6 0 0 6" class="hatch-bad-line" />
      </pattern>
    </defs>
  );
}

export function ContentTrack({ content, range, width, height, label, hasLine }: {
  content: Content | undefined;
  range: Range;
  width: number;
  height: number;
  label: string;
  hasLine?: boolean;
}) {
  const cells = content?.cells ?? [];
  const from = content ? shareOf(range, content.from) * width : 0;
  const to = content ? shareOf(range, content.to) * width : 0;
  const step = cells.length > 0 ? (to - from) / cells.length : 0;
  const y = (cell: Cell) => height - 2 - ((cell.entropy ?? 0) / 8) * (height - 4);
  const points = hasLine
    ? cells.map((cell, i) => (cell.entropy === null || cell.entropy === undefined ? '' : `${(from + (i + 0.5) * step).toFixed(1)},${y(cell).toFixed(1)}`)).filter((each) => each !== '')
    : [];
  return (
    <svg class="content-track" width={width} height={height} role="img" aria-label={label}>
      <Hatches />
      <rect class="c-none" x="0" y="0" width={width} height={height} />
      {runsOf(cells).map((run) => (
        <rect key={run.first} class={run.style} x={from + run.first * step} y="0" width={Math.max(run.count * step, 0.5)} height={height} />
      ))}
      {cells.map((cell, i) => (cell.unreadable && cell.looks !== 'unreadable'
        ? <rect key={`bad ${i}`} class="c-bad-mark" x={from + i * step} y="0" width={Math.max(step, 2)} height={Math.max(6, height / 4)} />
        : null))}
      {points.length > 1 && <><polyline class="entropy-line-back" points={points.join(' ')} /><polyline class="entropy-line" points={points.join(' ')} /></>}
    </svg>
  );
}

const looks: readonly { style: string; words: string; term: string }[] = [
  { style: 'e8', words: 'looks encrypted', term: 'or compressed; entropy near 8 bits a byte' },
  { style: 'e5', words: 'text or code', term: 'entropy 1 to 7' },
  { style: 'e0', words: 'empty', term: 'all zeros, or nearly' },
  { style: 'c-hole', words: 'hole', term: 'not stored in the dump, reads as zeros' },
  { style: 'c-bad', words: 'could not be read', term: '' },
  { style: 'c-none', words: 'not measured', term: '' },
];

const roleWords: Record<string, string> = { unknown: 'purpose unknown' };

export function Legend() {
  return (
    <section aria-labelledby="legend-title">
      <h2 id="legend-title">What the colours mean</h2>
      <h3>Parts, by what they are for</h3>
      <ul class="legend">
        {roles.map((role) => <li key={role}><span class={`swatch r-${roleClass(role)}`} aria-hidden="true" />{roleWords[role] ?? role}</li>)}
      </ul>
      <h3>Bytes, by how even they are <span class="faint">entropy; the line is the same, 0 to 8 bits a byte</span></h3>
      <ul class="legend">
        {looks.map((each) => (
          <li key={each.style}>
            <svg class="swatch-svg" width="16" height="16" aria-hidden="true"><rect class={each.style} width="16" height="16" /></svg>
            {each.words} {each.term && <span class="faint">{each.term}</span>}
          </li>
        ))}
      </ul>
      <h3>Flags</h3>
      <ul class="legend">
        <li><span class="flag-mark flag-error" aria-hidden="true">!</span>problem</li>
        <li><span class="flag-mark flag-warning" aria-hidden="true">!</span>warning</li>
        <li><span class="flag-mark flag-note" aria-hidden="true">i</span>note</li>
      </ul>
    </section>
  );
}
