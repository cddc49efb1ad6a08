// What officers, members and a council do on their pages, in a real browser against the demo: logging
// in with a second factor, a held read decided, an interest run by two officers, a member's holding, a
// council's stake; with the keyboard alone and without JavaScript; axe on every private page in three
// looks; valid HTML; stored text that would like to be a script.
import { execFileSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { work as treasurersWork } from './work.mjs';

import { ballots } from './ballots.mjs';

const here = import.meta.dirname;
const terminal = resolve(here, '../tests/scenarios/terminal.py');
const HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)><svg/onload=alert(3)>';

const bytes = (text) => {
  let bits = '';
  for (const letter of text) bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
};

// RFC 6238; each code is taken once, so the next step follows the one before, half a minute early.
const used = {};
const code = async (secret) => {
  let step = Math.floor(Date.now() / 30_000);
  if (used[secret] >= step) step = used[secret] + 1;
  while (Math.floor(Date.now() / 30_000) + 1 < step) await new Promise((r) => setTimeout(r, 500));
  used[secret] = step;
  const moment = Buffer.alloc(8);
  moment.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', bytes(secret)).update(moment).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
};

// The logins as the demo prints them: role, user, password, code, secret.
export const loginsOf = (said) => Object.fromEntries(said.split('\n')
  .map((line) => line.match(/^ {2}(\w+) +([\w-]+) +(sample-\w+)(?: +code \d{6} +secret (\w+))?/))
  .filter(Boolean)
  .map(([, role, user, password, secret]) => [role, { user, password, secret }]));

export async function desk({ browser, base, said, data, work, binary, check, axe, looks, vnu, pictures }) {
  const logins = loginsOf(said);
  check('the demo prints a login for each role', Object.keys(logins).length === 8, Object.keys(logins).join());

  const enter = async (role, { keyboard = false } = {}) => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    const { user, password, secret } = logins[role];
    await page.goto(`${base}/login`);
    const digits = secret ? await code(secret) : '';
    if (keyboard) {
      // From the top of the page: skip link, three ways, then the form.
      for (let n = 0; n < 10 && !(await page.locator('#user').evaluate((field) => field === document.activeElement)); n += 1) await page.keyboard.press('Tab');
      await page.keyboard.type(user);
      await page.keyboard.press('Tab');
      await page.keyboard.type(password);
      await page.keyboard.press('Tab');
      await page.keyboard.type(digits);
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.pathname !== '/login');
    } else {
      await page.fill('#user', user);
      await page.fill('#password', password);
      await page.fill('#code', digits);
      await page.getByRole('button', { name: 'Log in' }).click();
    }
    return { context, page };
  };
  const words = (page) => page.locator('main').innerText();

  // A wrong code leads nowhere, and says what to do.
  const stranger = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await stranger.goto(`${base}/desk`);
  check('desk: nobody is sent to the login', new URL(stranger.url()).pathname === '/login');
  await stranger.fill('#user', 'auditor-1');
  await stranger.fill('#password', 'not the password');
  await stranger.fill('#code', '000000');
  await stranger.getByRole('button', { name: 'Log in' }).click();
  check('login: a wrong try says so', (await stranger.locator('[role=alert]').innerText()).includes('not right'));
  await stranger.context().close();

  // A read that jumps above what the roof can make, entered by the steward at a terminal.
  const reads = join(work, 'jump.csv');
  writeFileSync(reads, 'meter,register,time,value,unit,source\nSAMPLE-BES1-1,2.8.0,2016-06-15T12:10:00Z,998000000,Wh,\n');
  const steward = logins.steward;
  const typed = JSON.stringify([['password of', steward.password], ['code of the moment', await code(steward.secret)]]);
  try {
    execFileSync('python3', [terminal, typed, binary, '--data', data, '--as', steward.user, 'reads', 'import', reads, '--society', 'bes1'], { cwd: work, stdio: 'pipe' });
  } catch (error) {
    // Exit 1 says that not every read was accepted; that is what is wanted.
    check('terminal: the read was imported', String(error.stdout).includes('held 1'), String(error.stdout));
  }

  // The treasurer, with the keyboard alone and without JavaScript.
  const treasurer = await enter('treasurer', { keyboard: true });
  const page = treasurer.page;
  check('login: the keyboard alone is enough', new URL(page.url()).pathname === '/desk', page.url());
  check('desk: it says what waits', (await words(page)).includes('held and counts for nothing'));
  await page.getByRole('link', { name: /^Look at them/ }).first().click();
  await page.locator('tbody a').first().click();
  const held = page.url();
  check('held: evidence and consequences are shown', (await words(page)).includes('If you refuse it') && (await words(page)).includes('kWh are known'));
  if (pictures) await page.screenshot({ path: join(pictures, 'held-read-light.png'), fullPage: true });
  await page.fill('#why-refuse', HOSTILE);
  await page.getByRole('button', { name: 'Refuse this read' }).click();
  check('held: it leaves the list', (await words(page)).includes('No read of Brixton Energy Solar 1 waits'), await words(page));

  // Interest: looked at, prepared, approved by another, frozen.
  await page.goto(`${base}/desk/bes1/interest`);
  await page.fill('#from', '2025-01-01');
  await page.fill('#to', '2025-12-31');
  await page.fill('#rate', '3.25');
  await page.getByRole('button', { name: 'Look at it first' }).click();
  check('interest: a look changes nothing', (await words(page)).includes('What it would come to: £1,885'), (await words(page)).slice(0, 600));
  await page.getByRole('button', { name: 'Prepare this run' }).click();
  const run = page.url();
  check('interest: prepared, it waits for another', (await words(page)).includes('You prepared it'), (await words(page)).slice(0, 400));
  const approver = await enter('approver');
  await approver.page.goto(run);
  await approver.page.getByRole('button', { name: 'Approve this interest run' }).click();
  check('interest: another officer approves it', (await words(approver.page)).includes('was approved by approver-1'), (await words(approver.page)).slice(0, 300));
  await page.goto(run);
  await page.getByRole('button', { name: 'Freeze this interest run' }).click();
  check('interest: it is frozen', (await words(page)).includes('is frozen.'), (await words(page)).slice(0, 300));

  // From the frozen run to the bank's file, with a second approver; the file is the approved one.
  const today = new Date().toISOString().slice(0, 10);
  await page.goto(`${base}/desk/bes1/payments`);
  await page.locator('input[name=profile][value=by-hand]').check();
  await page.fill('#on', today);
  await page.getByRole('button', { name: 'Prepare this order' }).click();
  const order = page.url();
  check('payments: prepared, it waits for another', (await words(page)).includes('You prepared it'), (await words(page)).slice(0, 600));
  await approver.page.goto(order);
  const shown = await words(approver.page);
  check('payments: count, sum and SHA-256 are shown', /SHA-256 of the file/.test(shown) && /Their sum/.test(shown), shown.slice(0, 600));
  await approver.page.getByRole('button', { name: 'Approve this order' }).click();
  check('payments: another officer approves it', (await words(approver.page)).includes('was approved by approver-1'), (await words(approver.page)).slice(0, 300));
  await page.goto(order);
  await page.getByRole('button', { name: 'Release this order' }).click();
  check('payments: it is released', (await words(page)).includes('was released on'), (await words(page)).slice(0, 400));
  const hash = (await words(page)).match(/SHA-256 of the file\s+([0-9a-f]{64})/)?.[1];
  if (hash) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download the bank’s file' }).click()]);
    const file = readFileSync(await download.path());
    check('payments: the file is the one that was approved', createHash('sha256').update(file).digest('hex') === hash);
    const reference = file.toString().split('\n')[1].split(',')[5];
    const told = join(work, 'bank-report.csv');
    writeFileSync(told, `reference,outcome,date,reason\n${reference},returned,${today},account closed\n`);
    await page.setInputFiles('#report-report', told);
    await page.getByRole('button', { name: 'Take in this report' }).click();
    check('payments: what came back is owed again', (await words(page)).includes('1 payment came back and is owed again'), (await words(page)).slice(0, 300));
  } else {
    check('payments: nobody of the sample is paid by bank', (await words(page)).includes('nothing goes to the bank'), (await words(page)).slice(0, 600));
  }

  // Claims, statements, tables, dials, outages, bills.
  const stewardly = await enter('steward');
  const worked = await treasurersWork({ base, binary, data, check, words, treasurer, approver, steward: stewardly });

  // The member sees what it earned; the council its stake.
  const member = await enter('member');
  check('my: what is held and earned', (await words(member.page)).includes('they earned £8.13 for'), (await words(member.page)).slice(0, 300));
  await member.page.goto(`${base}/my/bes1/5`);
  check('my: another member is not there', (await words(member.page)).includes('There is no page at this address.'));
  await member.page.goto(`${base}/my/bes1/4/payment`);
  await member.page.getByLabel('To the community fund').check();
  await member.page.getByRole('button', { name: 'Save my choice' }).click();
  check('my: the payment choice is changed', (await words(member.page)).includes('you give it to the community fund'), await words(member.page));
  const [sheet] = await Promise.all([member.page.waitForEvent('download'), member.page.getByRole('link', { name: /^Your statement for/ }).first().click()]);
  check('my: the statement is a PDF', readFileSync(await sheet.path()).subarray(0, 5).toString() === '%PDF-');
  await member.page.getByRole('link', { name: /down to the meters/ }).first().click();
  check('my: the working leads to the meters and the journal', /records then, and this root: [0-9a-f]{64}/.test(await words(member.page)), (await words(member.page)).slice(-800));
  await member.page.goto(`${base}/my/bes1/4/shares`);
  await member.page.fill('#withdraw-shares', '250');
  await member.page.getByRole('button', { name: 'Ask for these shares back' }).click();
  check('my: a request has its place in the queue', (await words(member.page)).includes('1 of 1'), (await words(member.page)).slice(0, 900));
  await member.page.fill('#apply-shares', '100');
  await member.page.getByRole('button', { name: 'Apply for these shares' }).click();
  check('my: the application waits', (await words(member.page)).includes('waiting'), (await words(member.page)).slice(0, 900));
  const secretary = await enter('secretary');
  await secretary.page.goto(`${base}/desk/bes1/shares`);
  await secretary.page.getByRole('button', { name: 'Allot 100 shares to member 4' }).click();
  await member.page.goto(`${base}/my/bes1/4/shares`);
  check('shares: the applicant holds what was allotted', (await words(member.page)).includes('allotted'), (await words(member.page)).slice(0, 1500));

  // The secretary acts on a letter of member 5; the notice goes to the old address.
  const scan = join(work, 'letter.png');
  writeFileSync(scan, Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64'));
  await secretary.page.goto(`${base}/desk/bes1/letters`);
  await secretary.page.fill('#member', '5');
  await secretary.page.fill('#received', today);
  await secretary.page.fill('#source', 'SAMPLE: asks for the community fund; signature as on the application');
  await secretary.page.setInputFiles('#file', scan);
  await secretary.page.getByLabel('To the community fund').check();
  await secretary.page.fill('#address', '5 SAMPLE Street');
  await secretary.page.getByRole('button', { name: 'Act on this' }).click();
  check('letters: it is acted on', (await words(secretary.page)).includes('Officers have acted on 1 letter'), (await words(secretary.page)).slice(0, 500));
  const [notice] = await Promise.all([secretary.page.waitForEvent('download'), secretary.page.getByRole('link', { name: 'print it (PDF)' }).first().click()]);
  check('letters: the notice is a PDF', readFileSync(await notice.path()).subarray(0, 5).toString() === '%PDF-');
  const council = await enter('council');
  await council.page.goto(`${base}/council?from=2013-01-01&to=2013-12-31`);
  check('council: capital and vote', (await words(council.page)).includes('£10,000 of £58,000 is 17.24 % of the capital; one vote of 103 is 0.97 % of the votes.'), (await words(council.page)).slice(0, 300));
  const administrator = await enter('administrator');

  // Ballots, from the call to the recount.
  await ballots({ browser, base, work, secretary, check, pictures });

  // Every private page: axe in three looks, no complaint, no dialog, valid HTML.
  const visits = [
    [treasurer, 'desk', '/desk'], [treasurer, 'desk-society', '/desk/bes1'], [treasurer, 'held', new URL(held).pathname],
    [treasurer, 'held-list', '/desk/bes1/held'], [treasurer, 'interest', '/desk/bes1/interest'], [treasurer, 'run', new URL(run).pathname],
    [treasurer, 'payments', '/desk/bes1/payments'], [treasurer, 'order', new URL(order).pathname],
    [treasurer, 'papers', '/desk/bes1/year'],
    [treasurer, 'outlook', '/desk/bes1/outlook'], [treasurer, 'projection', '/desk/bes1/projection'],
    [treasurer, 'statements', `${new URL(run).pathname}/statements`], [secretary, 'letters', '/desk/bes1/letters'],
    [secretary, 'shares', '/desk/bes1/shares'], [null, 'working', `/s/bes1/interest/${run.split('/').pop()}`],
    [treasurer, 'audit', '/desk/bes1/audit'], [treasurer, 'me', '/me'], [treasurer, 'sure', '/sure?to=/desk'],
    [member, 'my', '/my'], [member, 'my-payment', '/my/bes1/4/payment'], [member, 'my-shares', '/my/bes1/4/shares'],
    [council, 'council', '/council'],
    [council, 'council-evidence', '/council/bes1/evidence'], [council, 'council-outcomes', '/council/bes1/outcomes?from=2023-01-01&to=2025-12-31'],
    [council, 'council-roof', '/council/bes1/roofs/elmore-house'], [secretary, 'desk-projects', '/desk/bes1/projects'],
    [secretary, 'desk-ballots', '/desk/bes1/ballots'], [secretary, 'note', '/desk/bes1/note/outcome'], [treasurer, 'fund', '/desk/bes1/fund'],
    [null, 'projects', '/s/bes1/projects'], [null, 'projects-year', '/s/bes1/projects/2025'], [null, 'ballots', '/s/bes1/ballots'], [null, 'vote', '/vote/bes1/1'],
    ...worked.map(([name, path]) => [treasurer, name, path]),
    [administrator, 'users', '/desk/users'], [null, 'login', '/login'], [null, 'set-up', '/set-up'],
  ];
  const files = [];
  for (const [look, options] of looks) {
    for (const [who, name, path] of visits) {
      const storageState = who ? await who.context.storageState() : undefined;
      const context = await browser.newContext({ ...options, bypassCSP: true, storageState });
      const visit = await context.newPage();
      const complaints = [];
      visit.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
      visit.on('dialog', (dialog) => { complaints.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
      const answer = await visit.goto(base + path);
      check(`${name} ${look}: status`, answer.status() === 200, `was ${answer.status()}`);
      await visit.addScriptTag({ content: axe });
      const { violations } = await visit.evaluate(() => globalThis.axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] }));
      check(`${name} ${look}: axe`, violations.length === 0, violations.map((v) => `${v.id}: ${v.nodes[0].html}`).join(' | '));
      const wide = await visit.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
      check(`${name} ${look}: fits`, !wide);
      check(`${name} ${look}: no complaint`, complaints.length === 0, complaints.join(' | '));
      if (pictures) await visit.screenshot({ path: join(pictures, `${name}-${look}.png`), fullPage: true });
      if (look === 'light') {
        const file = join(work, `private-${name}.html`);
        writeFileSync(file, await answer.text());
        files.push(file);
      }
      await context.close();
    }
  }
  check('every private page is valid HTML', ...vnu(files));

  // Under the real policy stored text stays text.
  const storageState = await treasurer.context.storageState();
  const strict = await browser.newContext({ storageState });
  const reader = await strict.newPage();
  const reports = [];
  reader.on('console', (message) => { if (message.type() === 'error') reports.push(message.text()); });
  reader.on('dialog', (dialog) => { reports.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  for (const path of [new URL(held).pathname, '/desk/bes1/audit']) {
    await reader.goto(base + path);
    check(`${path}: stored text is shown as text`, (await words(reader)).includes('<script>alert(1)</script>'));
  }
  check('stored text: no dialog and no report of the policy', reports.length === 0, reports.join(' | '));
  await strict.close();

  // Out: the session is worth nothing any more.
  await page.goto(`${base}/me`);
  await page.getByRole('button', { name: 'Log out here' }).click();
  await page.goto(`${base}/desk`);
  check('out: the desk asks for the login', new URL(page.url()).pathname === '/login');
  for (const one of [treasurer, approver, stewardly, member, council, secretary, administrator]) await one.context.close();
}
