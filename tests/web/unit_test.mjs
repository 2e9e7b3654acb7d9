// Runs the tests of the page's own logic: bundled by esbuild, run by node's test runner.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const page = resolve(process.argv[2]);
const here = fileURLToPath(new URL('unit/', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'salvage-unit-'));
const files = readdirSync(here).filter((name) => name.endsWith('_test.ts'));
await build({
  entryPoints: files.map((name) => join(here, name)), outdir: out, bundle: true, platform: 'node', format: 'esm', target: 'node18', logLevel: 'warning',
  outExtension: { '.js': '.mjs' }, alias: { '@page': join(page, 'src') },
});
const run = spawnSync(process.execPath, ['--test', ...files.map((name) => join(out, name.replace(/\.ts$/, '.mjs')))], { stdio: 'inherit' });
rmSync(out, { recursive: true, force: true });
process.exit(run.status ?? 1);
