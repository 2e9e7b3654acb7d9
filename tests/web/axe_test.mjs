// Every view, wide and narrow, light and dark: axe finds nothing, the browser complains of nothing.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { openBrowser, openPage } from './browser.mjs';
import { serve } from './mock.mjs';

const dist = process.argv[2];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const click = (name) => (page) => page.getByRole('button', { name }).first().click();

const views = [
  ['/', 'empty'], ['/verdict', 'empty'], ['/verdict', 'opening'], ['/verdict', 'failed'], ['/verdict', 'gone'], ['/start', 'open'], ['/nowhere', 'open'],
  ['/verdict?finding=1', 'locked', (page) => page.locator('.proof summary').click()], ['/verdict', 'open'], ['/map', 'open'], ['/map?from=62685184&to=96239616', 'open'],
  ['/unlock', 'locked', click(/Begin the search/)], ['/unlock', 'open'], ['/files', 'locked'], ['/files?path=/media', 'open', (page) => page.locator('.file-pick input').first().check()],
  ['/files?path=/media&deleted=1', 'open'], ['/file?path=/media/a%20b%26c%3Dd%3Fe%23f.txt', 'open'], ['/file?path=/media/contacts2.db', 'open'],
  ['/file?path=/media/IMG_00006.jpg', 'open', click('Bytes')], ['/gallery', 'open'], ['/photo?n=1&path=/media/IMG_00001.jpg', 'open'],
  ['/contacts', 'open'], ['/contacts?kind=calls&text=nothing', 'open'], ['/item?kind=contacts&n=3', 'open'], ['/messages', 'open'], ['/messages?kind=whatsapp', 'open'], ['/messages?text=berlin', 'open'], ['/conversation?id=1', 'open'],
  ['/hex?at=62685184', 'open'], ['/hex?at=125829120&beside=userdata', 'open'], ['/export', 'open'], ['/restore', 'open'], ['/log', 'open'],
];

let failures = 0;
const ways = [1280, 375].flatMap((width) => ['light', 'dark'].map((colorScheme) => [width, colorScheme]));
for (const [width, colorScheme] of ways) {
  const { context, close } = await openBrowser({ viewport: { width, height: 800 }, colorScheme });
  for (const [path, state, act] of views) {
    const server = await serve({ dist, items: 300, state });
    const { page, complaints } = await openPage(context);
    await page.goto(`http://127.0.0.1:${server.port}${path}`);
    await page.locator('h1').first().waitFor();
    await page.waitForTimeout(450);
    await act?.(page);
    await page.waitForTimeout(100);
    // By the page's own policy nothing may be added as a script; what the driver evaluates is not bound by it.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    const found = violations.map((each) => `${each.id}: ${each.help}: ${each.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.any.map((check) => check.message).join('; ')}`).join(' | ')}`);
    for (const line of [...found, ...complaints]) {
      ++failures;
      console.log(`${path} (${state}, ${width}, ${colorScheme}): ${line}`);
    }
    await page.close();
    server.close();
  }
  await close();
}
console.log(failures === 0 ? `${views.length} views in ${ways.length} ways: nothing found` : `${failures} findings`);
process.exit(failures === 0 ? 0 : 1);
