// Starts the demo from the built binary in an empty folder and reads its pages in a real browser:
// what a visitor should see is there, axe finds no accessibility fault, the HTML is valid, the
// pages work without JavaScript, and live figures move with it. `--pictures DIR` writes PNGs.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createServer } from 'node:net';
import { chromium } from 'playwright-core';
import { desk } from './desk.mjs';

const here = import.meta.dirname;
const target = process.env.CARGO_TARGET_DIR ?? resolve(here, '../target');
const binary = process.env.COMMONWATT_BIN ?? join(target, 'ci', 'commonwatt');
const pictures = process.argv.includes('--pictures') ? process.argv[process.argv.indexOf('--pictures') + 1] : null;
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
if (!existsSync(binary)) throw new Error(`there is no ${binary}; build it with: cargo build --profile ci`);
if (!browserPath) throw new Error('there is no chromium; install the package chromium');

const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

const failures = [];
let passed = 0;
const check = (name, ok, why = '') => {
  if (ok) passed += 1;
  else { failures.push(`${name} ${why}`); console.log(`FAILED ${name} ${why}`); }
};

const work = mkdtempSync(join(tmpdir(), 'commonwatt-e2e-'));
const http = await freePort();
const mqtt = await freePort();
const base = `http://127.0.0.1:${http}`;
const demo = spawn(binary, ['demo', '--data', join(work, 'demo-data'), '--http', `127.0.0.1:${http}`,
  '--mqtt', `127.0.0.1:${mqtt}`, '--speed', '60'], { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] });
let said = '';
demo.stdout.on('data', (d) => { said += d; });
demo.stderr.on('data', (d) => { said += d; });
const until = Date.now() + 180_000;
for (;;) {
  try { if ((await fetch(`${base}/healthz`)).status === 200) break; } catch { /* not up yet */ }
  if (demo.exitCode !== null || Date.now() > until) throw new Error(`the demo did not come up:\n${said}`);
  await new Promise((r) => setTimeout(r, 200));
}

const browser = await chromium.launch({
  executablePath: browserPath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
const axe = readFileSync(join(here, 'node_modules/axe-core/axe.min.js'), 'utf8');
const pages = [
  ['home', '/', 'Brixton Energy Solar 1'],
  ['society', '/s/bes1', 'Elmore House'],
  ['roof', '/s/bes1/sites/elmore-house', 'Elmore House'],
  ['report', '/s/bes1/reports/2014', 'kWh'],
  ['report-incomplete', '/s/bes1/reports/2017', 'kWh'],
  ['report-blocks', '/s/bes2/reports/2015', 'kWh'],
  ['month', '/s/bes1/reports/2014-06', 'June'],
  ['explore', '/s/bes1/explore?site=elmore-house&from=2016-06-01&to=2016-06-30&step=day&beside=yes', 'Styles Gardens'],
  ['explore-year', '/s/bes1/explore?from=2016-01-01&to=2016-12-31&step=period', 'the file has every half hour'],
  ['how', '/how', 'kWh'],
];
const looks = [
  ['light', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
  ['dark', { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }],
  ['phone', { colorScheme: 'light', viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 }],
];
if (pictures) mkdirSync(pictures, { recursive: true });

for (const [look, options] of looks) {
  const context = await browser.newContext({ ...options, bypassCSP: true });
  for (const [name, path, words] of pages) {
    const page = await context.newPage();
    const complaints = [];
    page.on('console', (m) => { if (m.type() === 'error') complaints.push(m.text()); });
    page.on('pageerror', (e) => complaints.push(String(e)));
    const answer = await page.goto(base + path, { waitUntil: 'load' });
    check(`${name} ${look}: status`, answer.status() === 200, `was ${answer.status()}`);
    const text = await page.textContent('body');
    check(`${name} ${look}: says "${words}"`, text.includes(words));
    check(`${name} ${look}: says SAMPLE`, name === 'how' || text.includes('SAMPLE'));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth + 1);
    check(`${name} ${look}: nothing sticks out sideways`, !wide);
    await page.addScriptTag({ content: axe });
    const { violations } = await page.evaluate(() => axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] }));
    check(`${name} ${look}: accessible`, violations.length === 0,
      violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join('; ')}`).join(' | '));
    check(`${name} ${look}: no complaint in the console`, complaints.length === 0, complaints.join(' | '));
    if (pictures) await page.screenshot({ path: join(pictures, `${name}-${look}.png`), fullPage: true });
    await page.close();
  }
  await context.close();
}

// Without JavaScript everything is there, and a policy that forbids inline script and style.
const plain = await browser.newContext({ javaScriptEnabled: false });
const page = await plain.newPage();
const answer = await page.goto(`${base}/s/bes1`);
check('plain: the chart is there', (await page.locator('svg').count()) > 0);
check('plain: the table is there', (await page.locator('table').count()) > 0);
const policy = answer.headers()['content-security-policy'] ?? '';
check('plain: a content security policy', policy.includes("default-src 'self'") && !policy.includes('unsafe-inline'), policy);
await plain.close();

// With it the figure moves: at 60 times the world's speed a read comes every second.
const live = await browser.newContext();
const lively = await live.newPage();
await lively.goto(`${base}/s/bes1`);
const moved = await lively.waitForFunction(() => document.documentElement.dataset.updates > 1, null, { timeout: 30_000 })
  .then(() => true, () => false);
check('live: the page is updated without a reload', moved);
await live.close();

// Valid HTML, as vnu says it: whether, and what is not.
const vnu = (files) => {
  try {
    execFileSync('java', ['-jar', join(here, 'node_modules/vnu-jar/build/dist/vnu.jar'), '--errors-only', ...files], { stdio: 'pipe' });
    return [true, ''];
  } catch (error) {
    return [false, `\n${error.stderr}`];
  }
};

// Officers, members and the council, behind the login.
await desk({ browser, base, said, data: join(work, 'demo-data'), work, binary, check, axe, looks, vnu, pictures });
await browser.close();

// Valid HTML.
const files = [];
for (const [name, path] of pages) {
  const file = join(work, `${name}.html`);
  writeFileSync(file, await (await fetch(base + path)).text());
  files.push(file);
}
check('every page is valid HTML', ...vnu(files));

// Downloads and honest errors.
for (const [path, kind] of [['/s/bes1/reports/2014.csv', 'text/csv'], ['/s/bes1/reports/2014.svg', 'image/svg+xml'],
  ['/s/bes1/reports/2014.json', 'application/json'], ['/s/bes1/reports/2014.txt', 'text/plain']]) {
  const got = await fetch(base + path);
  check(`${path} downloads`, got.status === 200 && (got.headers.get('content-type') ?? '').startsWith(kind), got.headers.get('content-type'));
}
for (const [path, status] of [['/s/nobody', 404], ['/s/bes1/reports/nonsense', 404], ['/s/bes1/sites/none', 404], ['/nothing', 404]]) {
  const got = await fetch(base + path);
  check(`${path} is ${status}`, got.status === status, `was ${got.status}`);
}

demo.kill('SIGTERM');
const code = await new Promise((done) => demo.on('exit', done));
check('SIGTERM ends it cleanly', code === 0, `exit ${code}\n${said.slice(-2000)}`);
rmSync(work, { recursive: true, force: true });
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
