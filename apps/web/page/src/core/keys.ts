// Keys: the bytes of a path inside the phone, percent-encoded.

/** The key of the folder that holds it; the root holds itself. */
export function parentOf(key: string): string {
  const at = key.replace(/\/+$/, '').lastIndexOf('/');
  return at <= 0 ? '/' : key.slice(0, at);
}

/** The last part, for people: bytes that are no text show as U+FFFD. */
export function nameOf(key: string): string {
  const part = key.replace(/\/+$/, '').split('/').pop() ?? '';
  return part === '' ? '/' : readable(part);
}

/** A key as text for people. */
export function readable(key: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < key.length; ++i) {
    const escaped = key[i] === '%' ? Number.parseInt(key.slice(i + 1, i + 3), 16) : Number.NaN;
    if (Number.isNaN(escaped)) {
      bytes.push(key.charCodeAt(i) & 0xff);
    } else {
      bytes.push(escaped);
      i += 2;
    }
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** The root and every folder on the way, the last one included. */
export function trail(key: string): { key: string; name: string }[] {
  const out = [{ key: '/', name: '/' }];
  let at = '';
  for (const part of key.split('/').filter((each) => each !== '')) {
    at += `/${part}`;
    out.push({ key: at, name: readable(part) });
  }
  return out;
}
