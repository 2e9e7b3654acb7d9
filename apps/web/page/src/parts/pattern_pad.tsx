// The pattern pad: touch, mouse and keyboard draw the same pattern; arrows show which way, numbers in which order.
import { useRef, useState } from 'preact/hooks';
import { direction, placeOf, withDot } from '../core/pattern';

const cell = 64; // in the picture's own units; a dot is taken within 0.36 of it
const reach = cell * 0.36;

function centre(dot: number, side: number): { x: number; y: number } {
  const { row, column } = placeOf(dot, side);
  return { x: column * cell + cell / 2, y: row * cell + cell / 2 };
}

function Line({ from, to, side }: { from: number; to: number; side: number }) {
  const a = centre(from, side);
  const b = centre(to, side);
  const angle = (Math.atan2(b.y - a.y, b.x - a.x) * 180) / Math.PI;
  const middle = `translate(${(a.x + b.x) / 2} ${(a.y + b.y) / 2}) rotate(${angle})`;
  return (
    <g class="pad-line">
      <line x1={a.x} y1={a.y} x2={b.x} y2={b.y} />
      <path d="M-5 -7 L7 0 L-5 7 Z" transform={middle} />
    </g>
  );
}

export function PatternPad({ side, dots, onChange }: {
  side: number;
  dots: readonly number[];
  onChange: (dots: readonly number[]) => void;
}) {
  const pad = useRef<HTMLDivElement>(null);
  const drawn = useRef<readonly number[] | undefined>();
  const [focused, setFocused] = useState(1);
  const [hand, setHand] = useState<{ x: number; y: number } | undefined>();
  const count = side * side;

  const inPicture = (event: PointerEvent) => {
    const box = pad.current?.getBoundingClientRect();
    return box ? { x: ((event.clientX - box.left) / box.width) * side * cell, y: ((event.clientY - box.top) / box.height) * side * cell } : undefined;
  };
  const dotAt = (x: number, y: number) => {
    const column = Math.floor(x / cell);
    const row = Math.floor(y / cell);
    const dot = row * side + column + 1;
    if (column < 0 || row < 0 || column >= side || row >= side) {
      return undefined;
    }
    const middle = centre(dot, side);
    return Math.hypot(x - middle.x, y - middle.y) <= reach ? dot : undefined;
  };
  const begin = (event: PointerEvent) => {
    if (event.button !== 0) {
      return;
    }
    event.preventDefault();
    pad.current?.setPointerCapture(event.pointerId);
    drawn.current = [];
    extend(event);
  };
  const extend = (event: PointerEvent) => {
    if (!drawn.current) {
      return;
    }
    const place = inPicture(event);
    setHand(place);
    const dot = place && dotAt(place.x, place.y);
    if (dot) {
      drawn.current = withDot(drawn.current, dot, side);
      onChange(drawn.current);
    }
  };
  const end = () => {
    drawn.current = undefined;
    setHand(undefined);
  };

  const move = (to: number) => {
    const dot = Math.min(count, Math.max(1, to));
    setFocused(dot);
    pad.current?.querySelector<HTMLElement>(`[data-dot="${dot}"]`)?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    const { column } = placeOf(focused, side);
    const steps: Record<string, number> = {
      ArrowUp: focused > side ? -side : 0,
      ArrowDown: focused <= count - side ? side : 0,
      ArrowLeft: column > 0 ? -1 : 0,
      ArrowRight: column < side - 1 ? 1 : 0,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      move(focused + step);
    } else if (event.key === 'Backspace') {
      onChange(dots.slice(0, -1));
    } else if (event.key === 'Escape' || event.key === 'Delete') {
      onChange([]);
    } else {
      return;
    }
    event.preventDefault();
  };

  const last = dots[dots.length - 1];
  const tail = last === undefined ? undefined : centre(last, side);
  return (
    <div ref={pad} class="pad" role="group" aria-label={`Pattern, ${side} by ${side} dots. Arrow keys move, Enter takes a dot, Backspace takes it back.`}
      onPointerDown={begin} onPointerMove={extend} onPointerUp={end} onPointerCancel={end} onKeyDown={onKey}>
      <svg viewBox={`0 0 ${side * cell} ${side * cell}`} aria-hidden="true">
        {dots.slice(1).map((dot, i) => <Line key={i} from={dots[i] ?? dot} to={dot} side={side} />)}
        {hand && tail && <line class="pad-hand" x1={tail.x} y1={tail.y} x2={hand.x} y2={hand.y} />}
      </svg>
      {Array.from({ length: count }, (_, i) => {
        const dot = i + 1;
        const order = dots.indexOf(dot);
        const before = order > 0 ? dots[order - 1] : undefined;
        const label = order < 0
          ? `Dot ${dot}`
          : `Dot ${dot}, number ${order + 1} of the pattern${before ? `, ${direction(before, dot, side)} from dot ${before}` : ''}`;
        const { row, column } = placeOf(dot, side);
        return (
          <button type="button" key={dot} data-dot={dot} class="pad-dot" aria-label={label} aria-pressed={order >= 0}
            tabIndex={dot === focused ? 0 : -1}
            style={{ left: `${((column + 0.5) / side) * 100}%`, top: `${((row + 0.5) / side) * 100}%` }}
            onFocus={() => setFocused(dot)}
            onClick={(event) => { if (event.detail === 0) { onChange(withDot(dots, dot, side)); } }}>
            <span>{order >= 0 ? order + 1 : ''}</span>
          </button>
        );
      })}
    </div>
  );
}
