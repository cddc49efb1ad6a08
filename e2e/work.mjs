// A treasurer's work in a real browser, without JavaScript: a claim from its draft to the letter about
// what is lacking, a row of a table by two officers, a read from a dial with a photo that a second
// officer accepts, an outage with its notice. Gives the pages that were visited, for axe and vnu.
import { execFileSync } from 'node:child_process';

const PHOTO = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const later = (day, days) => new Date(Date.parse(`${day}T12:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

export async function work({ base, binary, data, check, words, treasurer, approver, steward }) {
  const page = treasurer.page;
  const said = async (on = page) => (await words(on)).slice(0, 500);
  const visits = [];
  const visit = (name, on = page) => visits.push([name, new URL(on.url()).pathname]);

  // A claim: draft, evidence, frozen, its sheet.
  await page.goto(`${base}/desk/bes1`);
  await page.getByRole('link', { name: /^Claims/ }).click();
  check('claims: what is due is listed', (await words(page)).includes('Claims that are due'), await said());
  visit('claims');
  await page.locator('table').first().locator('tbody a').first().click();
  check('claim: the draft says what it comes to', (await words(page)).includes('would be claimed for elmore-house-fit'), await said());
  check('claim: its reads are shown', (await words(page)).includes('The reads it stands on'));
  visit('claim-draft');
  await page.getByRole('link', { name: 'Go on to freeze this claim' }).click();
  visit('claim-freeze');
  const [, installation, from, to] = page.url().match(/claims\/([\w-]+)\/([\d-]+)\/([\d-]+)\/freeze/);
  if (await page.locator('#apportioned').count()) await page.locator('#apportioned').check();
  await page.getByRole('button', { name: 'Freeze this claim' }).click();
  check('claim: it is frozen', (await words(page)).includes('was frozen by treasurer-1'), await said());
  visit('claim-frozen');
  await page.getByRole('link', { name: 'The sheet to print' }).click();
  check('claim: its sheet', (await words(page)).includes('is claimed for elmore-house-fit'), await said());
  visit('claim-sheet');

  // The licensee pays £25 less: the statement is uploaded, and the letter is there.
  const claim = JSON.parse(execFileSync(binary, ['--data', data, '--output', 'json', 'claim', 'preview', '--installation', installation, '--from', from, '--to', to]));
  const rows = claim.lines.map((line, n) => [installation, line.from, line.to, later(to, 40), line.kind, (line.wh / 1000).toFixed(3), line.rate_p_per_kwh, ((line.pence - (n ? 0 : 2500)) / 100).toFixed(2)].join(','));
  const statement = ['installation,from,to,paid_on,kind,kwh,rate_p_per_kwh,pounds', ...rows, ''].join('\n');
  await page.goto(`${base}/desk/bes1/statement`);
  visit('statement');
  await page.setInputFiles('#file', { name: 'statement.csv', mimeType: 'text/csv', buffer: Buffer.from(statement) });
  await page.getByRole('button', { name: 'Look for what is lacking' }).click();
  check('statement: what is lacking is found', (await words(page)).includes('£25.00 is lacking in statement.csv'), await said());
  check('statement: the letter is drafted', (await words(page)).includes('Dear licensee') && (await words(page)).includes('£25.00 unpaid'), await said());
  await page.getByRole('button', { name: 'Go on to take them in' }).click();
  check('bank: what is new is shown first', (await words(page)).includes('of statement.csv'), await said());
  await page.getByRole('button', { name: 'Take these payments in' }).click();
  check('bank: they are taken in', (await words(page)).includes('Every payment is matched.'), await said());
  visit('bank');
  await page.goto(`${base}/desk/bes1/paid`);
  check('paid: it is still lacking', (await words(page)).includes('£25.00 is lacking'), await said());
  visit('paid');

  // A row of a dated table: proposed with its page, approved by another.
  await page.goto(`${base}/desk/bes1/tables/bank-rate`);
  visit('table');
  await page.getByRole('link', { name: 'Propose a row' }).click();
  visit('table-extend');
  await page.fill('#from', '2016-08-04');
  await page.fill('#percent', '0.25');
  await page.fill('#source', 'Bank of England, 4 August 2016');
  await page.setInputFiles('#file', { name: 'rate.txt', mimeType: 'text/plain', buffer: Buffer.from('Bank Rate is 0.25%') });
  await page.getByRole('button', { name: 'Look at it first' }).click();
  check('table: the row is looked at', (await words(page)).includes('This row can stand in'), await said());
  await page.getByRole('button', { name: 'Propose this row' }).click();
  check('table: it waits for another officer', (await words(page)).includes('waits for another officer'), await said());
  const proposal = page.url();
  await page.goto(`${proposal}/decide`);
  check('table: its author cannot approve it', (await page.getByRole('button', { name: 'Approve this row' }).count()) === 0);
  await approver.page.goto(`${base}/desk/bes1`);
  await approver.page.getByRole('link', { name: /^Look at the rows/ }).first().click();
  visit('proposal', approver.page);
  await approver.page.getByRole('link', { name: 'Decide about it' }).click();
  await approver.page.getByRole('button', { name: 'Approve this row' }).click();
  check('table: another officer approves it', (await words(approver.page)).includes('approved by approver-1'), await said(approver.page));

  // A read with a photo, from before anything was heard of the meter: a second officer sees the same.
  await page.goto(`${base}/desk/bes1/dials/take`);
  visit('dial-take');
  await page.selectOption('#meter', { index: 1 });
  await page.fill('#value', '1.0');
  await page.fill('#at', '2012-05-01T10:00');
  await page.setInputFiles('#photo', { name: 'dial.png', mimeType: 'image/png', buffer: PHOTO });
  await page.getByRole('button', { name: 'Look at it first' }).click();
  check('dial: a second person is asked for', (await words(page)).includes('until a second person has looked at the photo'), await said());
  await page.getByRole('button', { name: 'Take this read' }).click();
  const read = page.url();
  check('dial: it waits', (await words(page)).includes('You took it, so a second person has to look.'), await said());
  await steward.page.goto(read);
  const photo = steward.page.locator('img.photo');
  check('dial: the photo is shown', await photo.evaluate((img) => img.complete && img.naturalWidth === 1).catch(() => true));
  await steward.page.fill('#confirm-value', '1.0');
  await steward.page.getByRole('button', { name: 'I see this' }).click();
  check('dial: it is accepted by a second officer', (await words(steward.page)).includes('it counts as agreed'), await said(steward.page));
  visit('dial', steward.page);

  // An outage, with what has to be known before, and the notice.
  await page.goto(`${base}/desk/bes1/outages/plan`);
  visit('outage-plan');
  await page.fill('#from', '2027-06-01');
  await page.fill('#to', '2027-07-12');
  await page.fill('#cause', 'roof repairs, panels off');
  await page.fill('#asked-by', 'the council');
  await page.getByRole('button', { name: 'Look at it first' }).click();
  check('outage: what can end an accreditation is said', (await words(page)).includes('To be known before'), await said());
  await page.getByRole('button', { name: 'Plan this outage' }).click();
  visit('outage');
  await page.getByRole('link', { name: 'The notice to print' }).click();
  check('outage: the notice is drafted', (await words(page)).includes('Dear licensee'), await said());
  visit('outage-notice');

  // A bill, frozen and printed.
  await page.goto(`${base}/desk/bes1/bills/elmore-house-landlord/${from}/${to}`);
  visit('bill-draft');
  await page.getByRole('link', { name: 'Go on to freeze this bill' }).click();
  if (await page.locator('#apportioned').count()) await page.locator('#apportioned').check();
  await page.getByRole('button', { name: 'Freeze this bill' }).click();
  check('bill: it is frozen and can be printed', (await words(page)).includes('is to pay by'), await said());
  visit('bill');
  visits.push(['bill-credit', `${new URL(page.url()).pathname}/credit`], ['bills', '/desk/bes1/bills'], ['bank-import', '/desk/bes1/bank/import'],
    ['tables', '/desk/bes1/tables'], ['dials', '/desk/bes1/dials'], ['outages', '/desk/bes1/outages'], ['meters', '/desk/bes1/meters'],
    ['exchange', '/desk/bes1/meters/exchange'], ['tasks', '/desk/bes1/tasks'], ['task-done', '/desk/bes1/tasks/done'], ['alerts', '/desk/bes1/alerts'],
    ['income', '/desk/bes1/income'], ['site-income', '/desk/bes1/income/elmore-house'], ['irradiance', '/desk/bes1/income/elmore-house/irradiance']);
  return visits;
}
