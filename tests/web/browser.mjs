// The browser of the tests: Debian's chromium, headless, with a profile of its own, talking to nobody.
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';

const places = [process.env.SALVAGE_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where a chromium is; says why and ends with 77 where there is none. */
export function findBrowser() {
  for (const place of places) {
    try {
      accessSync(place ?? '', constants.X_OK);
      return place;
    } catch {
      // The next one.
    }
  }
  console.log('SKIP: no chromium was found; install the package chromium');
  process.exit(77);
}

/** For working on the page: SALVAGE_PAGE names a folder whose page is shown instead of the one in the program. */
async function takePageFrom(context, dist) {
  const isPage = (url) => url.hostname === '127.0.0.1' && !url.pathname.startsWith('/api/') && url.pathname !== '/open';
  await context.route(isPage, (route) => {
    const path = new URL(route.request().url()).pathname;
    const file = join(dist, extname(path) === '' ? 'index.html' : path);
    const type = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }[extname(file)];
    return route.fulfill({ body: readFileSync(file), contentType: type });
  });
}

/** A context with a fresh profile; `close` takes it away. */
export async function openBrowser(options = {}) {
  const executablePath = findBrowser();
  const profile = mkdtempSync(join(tmpdir(), 'salvage-web-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    acceptDownloads: true,
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  if (process.env.SALVAGE_PAGE) {
    await takePageFrom(context, process.env.SALVAGE_PAGE);
  }
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Opens the link that the program printed. */
export async function enter(page, link) {
  await page.goto(link);
  if (process.env.SALVAGE_PAGE) {
    await page.goto(new URL('/', link).href); // what a redirect leads to cannot be replaced
  }
}

/** A page whose console is watched: what the browser complains of is kept. */
export async function openPage(context) {
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', (problem) => complaints.push(`exception: ${problem.message}`));
  return { page, complaints };
}
