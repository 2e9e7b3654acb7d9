// Parameters of an address.  A query is kept as it stands: the key of a file (bytes, percent-encoded) must not be
// decoded on its way.

/** The value as it stands in the query, not decoded. */
export function rawParameter(query: string, name: string): string | undefined {
  for (const part of query.split('&')) {
    if (part.startsWith(`${name}=`)) {
      return part.slice(name.length + 1);
    }
  }
  return undefined;
}

/** The value as text; undefined where there is none, or where it is no text. */
export function parameter(query: string, name: string): string | undefined {
  const raw = rawParameter(query, name);
  if (raw === undefined) {
    return undefined;
  }
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** A whole number from 0; undefined for anything else. */
export function numberParameter(query: string, name: string): number | undefined {
  const text = parameter(query, name);
  if (text === undefined || !/^\d{1,16}$/.test(text)) {
    return undefined;
  }
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A key out of an address: what cannot be part of one is dropped, so that it stays one parameter. */
export function keyParameter(query: string, name = 'path'): string {
  const raw = rawParameter(query, name) ?? '/';
  return /^[A-Za-z0-9\-._~/%]+$/.test(raw) ? raw : '/';
}
