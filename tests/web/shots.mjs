// Pictures of every view: light and dark, 1280 and 375 wide, at 0, 1 and 50,000 items, for people to look at.
//
//   node shots.mjs --dist DIR --out DIR [--only NAME]
//
// Besides, it measures what eyes miss: whether a view is wider than the window, and how far things shift while loading.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openBrowser, openPage } from './browser.mjs';
import { serve } from './mock.mjs';

const option = (name, otherwise) => { const at = process.argv.indexOf(`--${name}`); return at < 0 ? otherwise : process.argv[at + 1]; };
const dist = option('dist', 'dist');
const out = option('out', 'shots');
const only = option('only', '');

const draw = async (page) => {
  for (const dot of [1, 5, 9, 8]) {
    await page.locator(`[data-dot="${dot}"]`).focus();
    await page.keyboard.press('Enter');
  }
};
const focusPart = (page) => page.locator('.strip-part').nth(10).focus();

const states = [
  { name: 'start', path: '/', state: 'empty', items: [0, 1] },
  { name: 'opening', path: '/verdict', state: 'opening', items: [1] },
  { name: 'failed', path: '/verdict', state: 'failed', items: [1] },
  { name: 'verdict-locked', path: '/verdict?finding=1', state: 'locked', items: [1] },
  { name: 'verdict', path: '/verdict', state: 'open', items: [1] },
  { name: 'map', path: '/map', state: 'open', items: [1], then: focusPart },
  { name: 'map-zoomed', path: '/map?from=62685184&to=125829120', state: 'open', items: [1] },
  { name: 'unlock', path: '/unlock', state: 'locked', items: [1], then: draw },
  { name: 'unlock-search', path: '/unlock', state: 'locked', items: [1], then: async (page) => { await page.getByRole('button', { name: /Begin the search/ }).click(); await page.waitForTimeout(1200); await page.locator('.job').scrollIntoViewIfNeeded(); } },
  { name: 'files-root', path: '/files', state: 'open', items: [0, 1] },
  { name: 'files', path: '/files?path=/media', state: 'open', items: [0, 1, 50000] },
  { name: 'files-locked', path: '/files', state: 'locked', items: [1] },
  { name: 'file', path: '/file?path=/media/a%20b%26c%3Dd%3Fe%23f.txt', state: 'open', items: [50000] },
  { name: 'file-tables', path: '/file?path=/media/contacts2.db', state: 'open', items: [50000] },
  { name: 'gallery', path: '/gallery', state: 'open', items: [0, 1, 50000] },
  { name: 'gallery-deep', path: '/gallery?at=40000', state: 'open', items: [50000] },
  { name: 'photo', path: '/photo?n=1&path=/media/IMG_00001.jpg', state: 'open', items: [50000] },
  { name: 'contacts', path: '/contacts', state: 'open', items: [0, 1, 50000] },
  { name: 'contacts-found', path: '/contacts?kind=contacts&text=yama', state: 'open', items: [300] },
  { name: 'item', path: '/item?kind=contacts&n=3', state: 'open', items: [300] },
  { name: 'messages', path: '/messages', state: 'open', items: [0, 1, 50000] },
  { name: 'messages-said', path: '/messages?text=berlin', state: 'open', items: [300] },
  { name: 'conversation', path: '/conversation?id=1', state: 'open', items: [1, 300, 50000] },
  { name: 'hex', path: '/hex?at=62685184', state: 'open', items: [1] },
  { name: 'hex-start', path: '/hex', state: 'open', items: [1] },
  { name: 'hex-two', path: '/hex?at=125829120&beside=userdata', state: 'open', items: [1] },
  { name: 'export', path: '/export', state: 'open', items: [1], then: async (page) => { await page.locator('#export-to').fill('/home/ann/phone-files'); await page.getByRole('button', { name: 'Take them out' }).click(); await page.locator('.export-result').waitFor(); } },
  { name: 'restore', path: '/restore', state: 'open', items: [0, 1] },
  { name: 'log', path: '/log', state: 'open', items: [0, 1, 50000] },
];

const shifts = () => {
  window.salvageShift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      window.salvageShift += entry.hadRecentInput ? 0 : entry.value;
    }
  }).observe({ type: 'layout-shift', buffered: true });
};

mkdirSync(out, { recursive: true });
const problems = [];
let count = 0;
for (const [width, height] of [[1280, 800], [375, 760]]) {
  for (const colorScheme of ['light', 'dark']) {
    const browser = await openBrowser({ viewport: { width, height }, colorScheme, hasTouch: width < 700 });
    for (const each of states.filter((state) => state.name.includes(only))) {
      for (const items of each.items) {
        const server = await serve({ dist, items, state: each.state });
        const { page, complaints } = await openPage(browser.context);
        await page.addInitScript(shifts);
        await page.goto(`http://127.0.0.1:${server.port}${each.path}`, { waitUntil: 'load' });
        await page.waitForTimeout(600);
        const shift = await page.evaluate(() => window.salvageShift);
        if (each.then) {
          await each.then(page);
          await page.waitForTimeout(200);
        }
        const name = `${each.name}-${items}-${width}-${colorScheme}`;
        const wider = await page.evaluate(() => document.getElementById('main').scrollWidth - document.getElementById('main').clientWidth);
        await page.screenshot({ path: join(out, `${name}.png`) });
        // The whole view, too, where it is longer than the window.
        const tall = await page.evaluate(() => document.getElementById('main').scrollHeight - document.getElementById('main').clientHeight);
        if (tall > 8) {
          await page.setViewportSize({ width, height: Math.min(4000, height + tall) });
          await page.waitForTimeout(150);
          await page.screenshot({ path: join(out, `${name}-whole.png`) });
          await page.setViewportSize({ width, height });
        }
        if (wider > 0) {
          problems.push(`${name}: wider than the window by ${wider} px`);
        }
        if (shift > 0.02) {
          problems.push(`${name}: shifts by ${shift.toFixed(3)} while loading`);
        }
        problems.push(...complaints.map((line) => `${name}: ${line}`));
        ++count;
        await page.close();
        server.close();
      }
    }
    await browser.close();
  }
}
console.log(`${count} views in ${out}`);
for (const problem of problems) {
  console.log(problem);
}
process.exit(problems.length > 0 ? 1 : 0);
