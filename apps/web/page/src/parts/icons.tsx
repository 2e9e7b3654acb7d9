// Marks of the rail: strokes on a 20 by 20 grid, always beside a word.
const paths: Record<string, string> = {
  verdict: 'M4 3h12v14H4zM7 7h6M7 10h6M7 13h3',
  map: 'M2 6h16v8H2zM6 6v8M8 6v8M14 6v8',
  unlock: 'M5 9h10v8H5zM7 9V6a3 3 0 0 1 5.8-1M10 12v2',
  files: 'M3 5h5l2 2h7v9H3z',
  gallery: 'M3 4h14v12H3zM3 13l4-4 4 4 2-2 4 3M13 7.5v.1',
  contacts: 'M10 10.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6M4 17c0-3.5 12-3.5 12 0',
  messages: 'M3 4h14v9H9l-4 3.5V13H3z',
  hex: 'M3 5h3v4H3zM8.5 5v4M12 5h3v4h-3zM3.5 12v4M7 12h3v4H7zM13.5 12v4',
  export: 'M10 3v9M6.5 8.5 10 12l3.5-3.5M3 14v3h14v-3',
  restore: 'M10 12V3M6.5 6.5 10 3l3.5 3.5M3 14v3h14v-3',
  log: 'M4 4v13M7 5h10M7 10h10M7 15h6',
  more: 'M5 10v.1M10 10v.1M15 10v.1',
  folder: 'M3 5h5l2 2h7v9H3z',
  file: 'M5 3h7l3 3v11H5zM12 3v3h3',
  image: 'M3 4h14v12H3zM3 13l4-4 4 4 2-2 4 3',
  video: 'M3 5h10v10H3zM13 8.5 17 6v8l-4-2.5',
  database: 'M4 5c0-2.4 12-2.4 12 0v10c0 2.4-12 2.4-12 0zM4 5c0 2.4 12 2.4 12 0M4 10c0 2.4 12 2.4 12 0',
  link: 'M4 10h11M11 6l4 4-4 4',
  case: 'M3 7h14v9H3zM7 7V4h6v3M3 11h14',
};

export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
      <path d={paths[name] ?? paths['file'] ?? ''} />
    </svg>
  );
}
