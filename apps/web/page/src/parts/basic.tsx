// The small things that every view is made of.
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ErrorFacts } from '../api/types';
import { go, isPlainClick } from '../core/router';

/** A link to a view of this page; the browser's own ways to open a link elsewhere go on working. */
export function Link({ to, children, ...rest }: { to: string; children: ComponentChildren } & Omit<
  JSX.HTMLAttributes<HTMLAnchorElement>, 'onClick'>) {
  const follow = (event: MouseEvent) => {
    if (isPlainClick(event)) {
      event.preventDefault();
      go(to);
    }
  };
  return <a href={to} onClick={follow} {...rest}>{children}</a>;
}

/** What is wrong, why, where, and what to do. */
export function Problem({ facts, onAgain }: { facts: ErrorFacts; onAgain?: () => void }) {
  return (
    <div class="problem" role="alert">
      <p class="problem-what">{sentence(facts.what)}</p>
      {facts.why && <p>{sentence(facts.why)}</p>}
      {facts.where && <p class="faint"><bdi>{facts.where}</bdi></p>}
      {facts.hint && <p>Next: {facts.hint}</p>}
      {onAgain && <button type="button" onClick={onAgain}>Try again</button>}
    </div>
  );
}

/** The command line speaks in lower case and without a full stop; a page does not. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  const head = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?:…]$/.test(head) || head === '' ? head : `${head}.`;
}

export function Skeleton({ lines = 3, label = 'Loading' }: { lines?: number; label?: string }) {
  return (
    <div class="skeleton" role="status">
      <span class="only-heard">{label}</span>
      {Array.from({ length: lines }, (_, i) => <div key={i} class="skeleton-line" aria-hidden="true" />)}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** Puts text into the clipboard, and says whether that went well. */
export function Copy({ text, label }: { text: string; label: string }) {
  const [said, setSaid] = useState('');
  const copy = () => {
    const ended = (words: string) => {
      setSaid(words);
      setTimeout(() => setSaid(''), 2500);
    };
    const clipboard = navigator.clipboard as Clipboard | undefined;
    if (!clipboard) {
      ended('Mark it and copy it by hand');
      return;
    }
    clipboard.writeText(text).then(() => ended('Copied'), () => ended('Mark it and copy it by hand'));
  };
  return (
    <>
      <button type="button" class="copy" onClick={copy} aria-label={label}>{said === '' ? 'Copy' : said}</button>
      <span class="only-heard" role="status">{said}</span>
    </>
  );
}

/** A command to type, as it is. */
export function Command({ text, label = 'Copy the command' }: { text: string; label?: string }) {
  return (
    <div class="command">
      <code tabIndex={0} aria-label={`Command: ${text}`} role="group">{text}</code>
      <Copy text={text} label={label} />
    </div>
  );
}

/** One of a few; the labels are the words. */
export function Choice<T extends string>({ label, value, options, onChange }: {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
}) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map((option) => (
        <button type="button" key={option.value} aria-pressed={option.value === value} onClick={() => onChange(option.value)}>
          {option.label}
        </button>
      ))}
    </div>
  );
}

export function PageHead({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="page-head">
      <h1>{title}</h1>
      {children && <div class="page-tools">{children}</div>}
    </div>
  );
}

const severityWords = { note: 'Note', warning: 'Warning', error: 'Problem' } as const;

export function Severity({ value }: { value: 'note' | 'warning' | 'error' }) {
  return <span class={`severity s-${value}`}>{severityWords[value]}</span>;
}
