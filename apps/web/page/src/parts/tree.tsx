// The tree of folders: opened level by level, moved through with the arrow keys.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, Key } from '../api/client';
import type { Entry, Listing } from '../api/types';
import { parentOf, trail } from '../core/keys';
import { go } from '../core/router';
import { Icon } from './icons';

const mostOfAFolder = 10_000; // entries that are looked through for folders

type Children = readonly Entry[] | 'asked';

interface Line {
  key: string;
  name: string;
  level: number;
  isOpen: boolean;
  hasChildren: boolean;
}

function linesOf(known: ReadonlyMap<string, Children>, open: ReadonlySet<string>, deleted: boolean): Line[] {
  const out: Line[] = [];
  const add = (key: string, name: string, level: number) => {
    const children = known.get(key);
    const isOpen = open.has(key);
    out.push({ key, name, level, isOpen, hasChildren: !Array.isArray(children) || children.length > 0 });
    if (isOpen && Array.isArray(children)) {
      for (const child of children as readonly Entry[]) {
        add(child.key, child.name, level + 1);
      }
    }
  };
  add('/', deleted ? 'Deleted files' : 'All files', 1);
  return out;
}

export function Tree({ here, deleted }: { here: string; deleted: boolean }) {
  const [known, setKnown] = useState<ReadonlyMap<string, Children>>(new Map());
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set(['/']));
  const [focused, setFocused] = useState(here);
  const list = useRef<HTMLUListElement>(null);
  const tree = useRef(deleted);

  const load = (key: string) => {
    setKnown((now) => {
      if (now.has(key)) {
        return now;
      }
      get<Listing>('/files', { path: new Key(key), deleted: deleted ? 1 : 0, limit: mostOfAFolder })
        .then((answer) => answer.entries.filter((entry) => entry.type === 'directory'))
        .catch(() => [])
        .then((folders: readonly Entry[]) => setKnown((then) => new Map(then).set(key, folders)));
      return new Map(now).set(key, 'asked');
    });
  };
  useEffect(() => {
    if (tree.current !== deleted) {
      tree.current = deleted;
      setKnown(new Map());
      setOpen(new Set(['/']));
    }
    const way = trail(here).map((part) => part.key);
    setOpen((now) => new Set([...now, ...way]));
    way.forEach(load);
    setFocused(here);
  }, [here, deleted]);

  const lines = linesOf(known, open, deleted);
  const setLineOpen = (key: string, isOpen: boolean) => {
    load(key);
    setOpen((now) => {
      const next = new Set(now);
      if (isOpen) {
        next.add(key);
      } else {
        next.delete(key);
      }
      return next;
    });
  };
  const goTo = (key: string) => go(`/files?path=${key}${deleted ? '&deleted=1' : ''}`);
  const focus = (key: string) => {
    setFocused(key);
    list.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    const at = lines.findIndex((line) => line.key === focused);
    const line = lines[at];
    if (!line) {
      return;
    }
    switch (event.key) {
      case 'ArrowDown': focus(lines[Math.min(lines.length - 1, at + 1)]?.key ?? line.key); break;
      case 'ArrowUp': focus(lines[Math.max(0, at - 1)]?.key ?? line.key); break;
      case 'Home': focus(lines[0]?.key ?? line.key); break;
      case 'End': focus(lines[lines.length - 1]?.key ?? line.key); break;
      case 'ArrowRight':
        if (!line.isOpen) { setLineOpen(line.key, true); } else { focus(lines[Math.min(lines.length - 1, at + 1)]?.key ?? line.key); }
        break;
      case 'ArrowLeft':
        if (line.isOpen && line.key !== '/') { setLineOpen(line.key, false); } else { focus(parentOf(line.key)); }
        break;
      case 'Enter':
      case ' ': goTo(line.key); break;
      default: return;
    }
    event.preventDefault();
  };
  const hasFocused = lines.some((line) => line.key === focused);
  return (
    <ul ref={list} class="tree" role="tree" aria-label="Folders" onKeyDown={onKey}>
      {lines.map((line, i) => (
        <li key={line.key} role="treeitem" data-key={line.key} aria-level={line.level} aria-selected={line.key === here}
          {...(line.hasChildren ? { 'aria-expanded': line.isOpen } : {})}
          tabIndex={line.key === focused || (!hasFocused && i === 0) ? 0 : -1}
          class="tree-line" style={{ paddingLeft: `${(line.level - 1) * 16 + 4}px` }}
          onFocus={() => setFocused(line.key)} onClick={() => goTo(line.key)}>
          <span class="tree-mark" aria-hidden="true"
            onClick={(event) => { if (line.hasChildren) { event.stopPropagation(); setLineOpen(line.key, !line.isOpen); } }}>
            {line.hasChildren ? (line.isOpen ? '▾' : '▸') : ''}
          </span>
          <Icon name="folder" />
          <bdi class="cut" title={line.name}>{line.name}</bdi>
        </li>
      ))}
    </ul>
  );
}
