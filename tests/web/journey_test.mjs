// Whole journeys through the page, with a real browser, against the real program.
//
//   node journey_test.mjs rescue|restart|names|tabs SALVAGE
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enter, findBrowser, openBrowser, openPage } from './browser.mjs';
import { check, finish, Program } from './server.mjs';

const [name, binary] = process.argv.slice(2);
const long = 60_000; // ms, for what a busy machine may take its time with

async function makeSamplePhone(page) {
  await page.getByRole('button', { name: 'Make a sample phone' }).click();
  await page.locator('.headline').waitFor({ timeout: long });
}

/** Where the middle of each of `dots` is on the screen. */
async function placesOf(page, dots, side) {
  const pad = await page.locator('.pad').boundingBox();
  return dots.map((dot) => ({ x: pad.x + (pad.width * (((dot - 1) % side) + 0.5)) / side, y: pad.y + (pad.height * (Math.floor((dot - 1) / side) + 0.5)) / side }));
}

async function drawPattern(page, dots, side = 3) {
  const [first, ...others] = await placesOf(page, dots, side);
  await page.mouse.move(first.x, first.y);
  await page.mouse.down();
  for (const { x, y } of others) {
    await page.mouse.move(x, y, { steps: 6 });
  }
  await page.mouse.up();
}

/** As a finger does; the browser must not take the strokes for scrolling. */
async function drawByTouch(page, dots, side = 3) {
  const [first, ...others] = await placesOf(page, dots, side);
  const hand = await page.context().newCDPSession(page);
  const touch = (type, touchPoints) => hand.send('Input.dispatchTouchEvent', { type, touchPoints });
  await hand.send('Emulation.setTouchEmulationEnabled', { enabled: true });
  await touch('touchStart', [first]);
  let last = first;
  for (const next of others) {
    for (let step = 1; step <= 6; ++step) {
      await touch('touchMove', [{ x: last.x + ((next.x - last.x) * step) / 6, y: last.y + ((next.y - last.y) * step) / 6 }]);
    }
    last = next;
  }
  await touch('touchEnd', []);
  await hand.send('Emulation.setTouchEmulationEnabled', { enabled: false });
  await hand.detach();
}

async function unlock(page, program, pattern) {
  await page.goto(`${program.base}/unlock`);
  await page.locator('.pad').waitFor();
  await drawPattern(page, pattern);
  await page.getByRole('button', { name: 'Try this pattern' }).click();
  await page.getByText('It is open').waitFor({ timeout: long });
}

const sampleOf = async (page) => (await page.evaluate(() => fetch('/api/v1/jobs').then((answer) => answer.json()))).jobs.find((job) => job.kind === 'sample-phone').result;

function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Unpacks by a foreign reader and compares every file with the manifest. */
function checkArchive(zip) {
  const folder = mkdtempSync(join(tmpdir(), 'salvage-zip-'));
  execFileSync('python3', ['-m', 'zipfile', '-e', zip, folder]);
  const lists = join(folder, 'salvage-export');
  check(existsSync(join(lists, 'manifest.jsonl')), 'the archive holds its manifest');
  const entries = readFileSync(join(lists, 'manifest.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const files = entries.filter((entry) => entry.type === 'file' && entry.stored && entry.sha256);
  const wrong = files.filter((entry) => sha256(join(folder, entry.stored)) !== entry.sha256);
  check(files.length >= 12, `the manifest names ${files.length} files`);
  check(wrong.length === 0, `all ${files.length} files have the hash of the manifest`);
  const sums = spawnSync('sha256sum', ['-c', '--quiet', 'salvage-export/SHA256SUMS'], { cwd: folder, encoding: 'utf8' });
  check(sums.status === 0, `sha256sum agrees ${sums.stdout}${sums.stderr}`);
  rmSync(folder, { recursive: true, force: true });
}

async function rescue(program, page, complaints) {
  await enter(page, await program.start());
  check((await page.locator('h1').first().textContent()).startsWith('What is on the phone'), 'the link leads to the start page');
  await makeSamplePhone(page);
  check(/PIN, pattern or password/.test(await page.locator('.headline').textContent()), 'the verdict says what is needed');
  check(!page.url().includes('token'), 'the token is not in the address any more');
  await page.locator('.proof summary').click();
  check(/scrypt/.test(await page.locator('.proof').textContent()), 'the proof is one click below');
  const { pattern } = await sampleOf(page);
  const dots = pattern.split('-').map(Number);

  await page.goto(`${program.base}/unlock`);
  await page.locator('.pad').waitFor();
  await drawByTouch(page, [1, 2, 3, 6]);
  await page.getByRole('button', { name: 'Try this pattern' }).click();
  await page.getByText('The pattern 1-2-3-6 does not open it.').waitFor({ timeout: long });
  check(true, 'a wrong pattern, drawn with a finger, is said to be wrong');
  await unlock(page, program, dots);
  check(true, `the pattern ${pattern} opens it`);

  await page.getByRole('main').getByRole('link', { name: 'See the files' }).click();
  await page.getByRole('grid').waitFor();
  await page.getByRole('link', { name: 'media', exact: true }).first().click();
  await page.getByRole('row', { name: /^.*\b0\b/ }).first().waitFor();
  await page.goBack();
  check(/\/files(\?path=\/)?$/.test(page.url()), 'back goes back');
  await page.goto(`${program.base}/files?path=/media/0/DCIM/Camera`);
  await page.locator('.file-name a').first().waitFor();
  const photo = await page.locator('.file-name a').first().textContent();
  await page.locator('.file-name a').first().click();
  await page.locator('.preview-picture').waitFor();
  await page.waitForFunction(() => document.querySelector('.preview-picture').naturalWidth > 0);
  check(true, `${photo} is shown`);
  await page.getByRole('link', { name: 'DCIM' }).click();
  await page.locator('.file-row:not(.file-head)').first().waitFor();
  await page.locator('.file-row:not(.file-head)').first().focus();
  await page.keyboard.press(' ');
  const coming = page.waitForEvent('download', { timeout: long });
  await page.getByRole('button', { name: 'Download as zip' }).click();
  const zip = join(program.folder, 'files.zip');
  await (await coming).saveAs(zip);
  checkArchive(zip);

  await page.goto(`${program.base}/gallery`);
  await page.waitForFunction(() => [...document.querySelectorAll('.thumb img')].some((image) => image.naturalWidth > 0), undefined, { timeout: long });
  await page.locator('.thumb a').first().click();
  const before = page.url();
  await page.locator('.photo-shown').waitFor();
  await page.waitForTimeout(300);
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction((last) => location.href !== last, before);
  check(true, 'the gallery shows thumbnails; the right arrow goes to the next photo');

  await page.goto(`${program.base}/contacts`);
  await page.getByRole('link', { name: 'José Müller' }).waitFor({ timeout: long });
  await page.getByLabel('Look for').fill('MÜLLER');
  await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor({ state: 'detached', timeout: long });
  await page.getByRole('link', { name: 'José Müller' }).click();
  check(/\+49 151 0000 0000/.test(await page.locator('.facts').textContent()), 'a contact is found by its name and shown whole');
  await page.goto(`${program.base}/messages`);
  await page.getByLabel('Look for').fill('AT EIGHT');
  await page.locator('.said-list li', { hasText: 'Yes, at eight.' }).getByRole('link').click();
  await page.locator('.bubble.is-own').first().waitFor({ timeout: long });
  check(/Yes, at eight\./.test(await page.locator('.bubbles').textContent()), 'a message is found by what was said; its conversation shows both sides');
  await page.waitForFunction(() => document.querySelector('.bubble-attachment img')?.naturalWidth > 0, undefined, { timeout: long });
  check(true, 'and the picture that came with it');

  const target = join(program.folder, 'taken-out');
  await page.goto(`${program.base}/export`);
  await page.locator('#export-to').fill(target);
  await page.getByRole('button', { name: 'Take them out' }).click();
  await page.locator('.export-result').waitFor({ timeout: long });
  const sums = spawnSync('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: target, encoding: 'utf8' });
  check(sums.status === 0, `an export to a folder: sha256sum agrees ${sums.stdout}${sums.stderr}`);

  await page.goto(`${program.base}/hex`);
  await page.getByLabel('Go to').fill('metadata+0x24');
  await page.getByRole('button', { name: 'Go', exact: true }).click();
  await page.waitForURL(/at=62685220/);
  await page.waitForFunction(() => document.querySelector('.hex-rows')?.textContent.includes('aes-cbc-essi'));
  check(true, 'hex goes to an offset in any notation');
  await page.goto(`${program.base}/map`);
  await page.locator('.strip-part').first().waitFor();
  for (const path of ['/restore', '/log']) {
    await page.goto(program.base + path);
    await page.locator('h1').first().waitFor();
    await page.waitForTimeout(500);
    check((await page.locator('.problem').count()) === 0, `${path} shows no error`);
  }
  check(/export|folder|file/.test(await page.locator('.log-table').textContent()), 'the log tells of it');
  const unexpected = complaints.filter((line) => !line.includes('/api/v1/unlock'));
  check(unexpected.length === 0, `the browser complains of nothing ${unexpected.join('; ')}`);
}

const searchOf = async (page) => {
  const { jobs } = await page.evaluate(() => fetch('/api/v1/jobs').then((answer) => answer.json()));
  return jobs.find((job) => job.kind === 'search');
};

/** Asks again and again; a browser's own waiting takes a promise for a yes. */
async function until(isSo) {
  const end = Date.now() + long;
  while (!(await isSo())) {
    if (Date.now() > end) {
      throw new Error(`not so after ${long} ms: ${isSo}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function restart(program, page) {
  await enter(page, await program.start());
  await makeSamplePhone(page);
  const { folder } = await sampleOf(page);
  await page.goto(`${program.base}/unlock`);
  await page.getByRole('checkbox', { name: /^6-digit PIN/ }).check({ timeout: long });
  const four = page.getByRole('checkbox', { name: /^4-digit PIN/ });
  if (await four.isChecked()) {
    await four.uncheck();
  }
  await page.getByRole('button', { name: 'Begin the search' }).click();
  await until(async () => (await searchOf(page))?.done > 0);
  await page.reload();
  await page.locator('[data-job="search"][data-state="running"]').waitFor({ timeout: long });
  check(true, 'a reload loses nothing: the search is shown, and runs');
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.locator('[data-job="search"][data-state="paused"]').waitFor({ timeout: long });
  await page.getByRole('button', { name: 'Go on', exact: true }).click();
  await page.locator('[data-job="search"][data-state="running"]').waitFor({ timeout: long });
  check(true, 'it pauses and goes on');
  await page.waitForTimeout(1500);
  await until(async () => (await searchOf(page)).done > 0);
  const before = (await searchOf(page)).done;

  await program.stop('SIGTERM');
  await page.getByText('The server does not answer.').waitFor({ timeout: long });
  check(true, 'a server that is gone is said to be gone');
  const link = await program.start(folder.endsWith('case') ? folder : join(folder, 'case'));
  await page.getByText('The server was started anew: open the link it printed.').waitFor({ timeout: long });
  check(true, 'a server that was started anew is said to be');
  const other = await page.context().newPage();
  await enter(other, link);
  await page.locator('.banner').waitFor({ state: 'detached', timeout: long });
  check(true, 'after the link was opened in another tab, this one goes on by itself');
  await other.close();
  await page.goto(`${program.base}/unlock`);
  await page.getByRole('checkbox', { name: /^6-digit PIN/ }).waitFor({ timeout: long });
  const { attacks } = await page.evaluate(() => fetch('/api/v1/attacks').then((answer) => answer.json()));
  const kept = attacks.find((attack) => attack.id === 'pin6').done ?? 0;
  check(kept >= before, `of ${before} tried candidates ${kept} are known after the restart`);
  if (await page.getByRole('checkbox', { name: /^4-digit PIN/ }).isChecked()) {
    await page.getByRole('checkbox', { name: /^4-digit PIN/ }).uncheck();
  }
  await page.getByRole('checkbox', { name: /^6-digit PIN/ }).check();
  await page.getByRole('button', { name: /the search$/ }).click();
  await page.locator('[data-job="search"][data-state="running"]').waitFor({ timeout: long });
  await until(async () => { const job = await searchOf(page); return job.state === 'running' && job.done > kept; });
  check(true, 'the search goes on where it was');
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.locator('[data-job="search"][data-state="stopped"]').waitFor({ timeout: long });
  check(true, 'it stops');
  rmSync(folder, { recursive: true, force: true });
}

const evil = '<img src=x onerror=document.title=String(1+41)>.txt';

async function names(program, page, complaints) {
  const tree = join(program.folder, 'tree');
  mkdirSync(tree);
  writeFileSync(join(tree, evil), '<script>document.title = "run"</script>\n');
  writeFileSync(join(tree, '"><svg onload=alert(1)>.html'), '<script>document.title = "run"</script>\n');
  writeFileSync(join(tree, 'שלום.txt'), 'x');
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/bad-`), Buffer.from([0xff, 0xfe])]), 'x');
  const image = join(program.folder, 'card.img');
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', tree, image, '16M'], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
  await enter(page, await program.start(image));
  await page.locator('.headline').waitFor({ timeout: long });
  await page.goto(`${program.base}/files`);
  await page.getByRole('row').nth(3).waitFor();
  const shown = await page.locator('.file-name a').allTextContents();
  check(shown.includes(evil), 'a name full of HTML is shown as it is');
  check(shown.some((each) => each.includes('\ufffd')), 'a name that is no text is shown');
  check((await page.locator('img').count()) === 0, 'it makes no element');
  await page.getByRole('link', { name: evil }).click();
  await page.locator('.preview-text').waitFor();
  check((await page.title()).startsWith('<img'), 'nor does it run');
  check((await page.locator('.preview-text').textContent()).includes('<script>'), 'its content is text');
  await page.goto(`${program.base}/files`);
  await page.getByRole('link', { name: /svg onload/ }).click();
  await page.locator('.facts').waitFor();
  const answer = await page.evaluate(() => fetch(document.querySelector('a[download]').href.replace('download=1', 'download=0')).then((file) => file.headers.get('Content-Type')));
  check(!/html|svg|xml/.test(answer), `a file that is a page is sent as ${answer}`);
  check(complaints.length === 0, `the browser complains of nothing ${complaints.join('; ')}`);
}

async function tabs(program, page) {
  await enter(page, await program.start());
  await makeSamplePhone(page);
  const pages = [page];
  for (let i = 1; i < 10; ++i) {
    const more = await page.context().newPage();
    await more.goto(`${program.base}${['/verdict', '/map', '/unlock', '/hex', '/log'][i % 5]}`, { timeout: 20_000 });
    await more.locator('h1').first().waitFor({ timeout: 20_000 });
    pages.push(more);
  }
  check(pages.length === 10, 'ten tabs load');
  const states = () => Promise.all(pages.map((each) => each.locator('.chip').textContent()));
  check((await states()).every((each) => each === 'Locked'), 'all of them say that it is locked');
  const { pattern } = await sampleOf(page);
  await page.bringToFront();
  await unlock(page, program, pattern.split('-').map(Number));
  await Promise.all(pages.map((each) => each.locator('.chip', { hasText: 'Open' }).waitFor({ timeout: 20_000 })));
  check(true, 'all of them hear that it is open');
  // The tab that holds the stream goes: another one takes over.
  await pages[1].close();
  await page.close();
  const rest = pages.slice(2);
  await rest[0].goto(`${program.base}/start`);
  await rest[0].getByRole('heading', { name: 'Try the sample phone' }).waitFor({ timeout: 20_000 });
  await rest[0].evaluate(async () => {
    const { token } = await fetch('/api/v1/session').then((answer) => answer.json());
    await fetch('/api/v1/workplace', { method: 'DELETE', headers: { 'X-Salvage-Token': token } });
  });
  await Promise.all(rest.map((each) => each.locator('.chip', { hasText: 'Nothing open' }).waitFor({ timeout: 20_000 })));
  check(true, 'when the tab that listens is closed, another one listens');
}

findBrowser();
const program = new Program(binary);
const browser = await openBrowser();
const { page, complaints } = await openPage(browser.context);
try {
  await { rescue, restart, names, tabs }[name](program, page, complaints);
} catch (problem) {
  check(false, `${problem.stack ?? problem}\n${program.talk ?? ''}`);
  await page.screenshot({ path: join(tmpdir(), `salvage-${name}.png`) }).catch(() => undefined);
  console.log(`the last view: ${join(tmpdir(), `salvage-${name}.png`)}; ${await page.url()}`);
} finally {
  await browser.close();
  await program.remove();
}
finish();
