// Ballots end to end in a real browser: 114 vote on a resolution (113 for, one abstains), 70 share out
// £10,000; a vote cast twice, by a stranger and after the close is refused; each voter finds their own
// paper; the published files are counted again by 60 lines of Python.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const recount = resolve(import.meta.dirname, '../tests/scenarios/recount.py');
const words = (page) => page.locator('main').innerText();

export async function ballots({ browser, base, work, secretary, check, pictures }) {
  const { page } = secretary;
  const today = new Date().toLocaleDateString('sv', { timeZone: 'Europe/London' });
  const call = async (fields) => {
    await page.goto(`${base}/desk/bes1/note/ballot`);
    for (const [key, value] of Object.entries({ record_day: today, opens: today, closes: today, ...fields })) {
      const field = page.locator(`#${key}`);
      if (key === 'electorate') await field.selectOption(value);
      else await field.fill(value);
    }
    await page.getByRole('button', { name: 'Call a ballot' }).click();
    await page.waitForURL(`${base}/desk/bes1/ballots`);
    const links = await page.getByRole('link', { name: /^Hand out the codes of ballot/ }).allInnerTexts();
    return Math.max(...links.map((text) => Number(text.match(/\d+$/)[0])));
  };
  const codes = async (number) => {
    await page.goto(`${base}/desk/bes1/ballot-codes/${number}`);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Hand out the voting codes' }).click(),
    ]);
    const text = readFileSync(await download.path(), 'utf8');
    return text.trim().split('\n').slice(1).map((line) => line.split(',')[1]);
  };
  const booth = await browser.newContext({ javaScriptEnabled: false });
  const paper = await booth.newPage();
  const vote = async (number, code, fill) => {
    await paper.goto(`${base}/vote/bes1/${number}`);
    await fill(paper);
    await paper.fill('#code', code);
    await paper.getByRole('button', { name: 'Put my vote into the box' }).click();
    const found = paper.locator('section.paper code');
    return (await found.count()) ? await found.innerText() : null;
  };
  const choose = (choice) => (at) => at.locator(`input[value=${choice}]`).check();
  const close = async (number) => {
    await page.goto(`${base}/desk/bes1/note/ballot-close`);
    await page.fill('#ballot', String(number));
    await page.getByRole('button', { name: 'Close a ballot' }).click();
  };
  const counted = async (number) => {
    const file = join(work, `ballot-${number}.json`);
    writeFileSync(file, await (await fetch(`${base}/s/bes1/ballots/${number}.json`)).text());
    try {
      return execFileSync('python3', [recount, file], { stdio: 'pipe' }).toString().trim();
    } catch (error) {
      return String(error.stderr);
    }
  };
  const list = (count) => ['number', ...Array.from({ length: count }, (_, n) => n + 1)].join('\n');

  const resolution = await call({
    title: 'A garden on the roof', text: 'Shall there be a garden?', electorate: 'residents',
    quorum: '10 %', majority: 'simple', list: list(114),
  });
  const of114 = await codes(resolution);
  check('ballot: 114 codes are handed out', of114.length === 114, String(of114.length));
  const first = await vote(resolution, of114[0], choose('abstain'));
  check('ballot: the voter gets the code of the paper', /^[0-9a-f -]{32,}$/i.test(first ?? ''), String(first));
  if (pictures) await paper.screenshot({ path: join(pictures, 'vote-light.png'), fullPage: true });
  check('ballot: a vote cast twice is refused', (await vote(resolution, of114[0], choose('for'))) === null && (await words(paper)).includes('has voted'), (await words(paper)).slice(0, 200));
  check('ballot: a stranger has no code', (await vote(resolution, 'AAAA-AAAA-AAAA-AAAA', choose('for'))) === null && (await words(paper)).includes('no voting code'), (await words(paper)).slice(0, 200));
  let papers = 1;
  for (const code of of114.slice(1)) if (await vote(resolution, code, choose('for'))) papers += 1;
  check('ballot: 114 papers are in the box', papers === 114, String(papers));
  await close(resolution);
  await paper.goto(`${base}/s/bes1/ballots`);
  check('ballot: 113 for, 1 abstained', (await words(paper)).includes('Carried: 113 for, 0 against, 1 abstained.'), (await words(paper)).slice(0, 900));
  check('ballot: Python counts the same', (await counted(resolution)) === 'the same', await counted(resolution));
  await paper.goto(`${base}/vote/bes1/${resolution}`);
  check('ballot: after the close no vote is taken', (await paper.locator('#code').count()) === 0);
  await paper.fill('#paper', first);
  await paper.getByRole('button', { name: 'Look for it' }).click();
  check('ballot: the voter finds the paper', (await words(paper)).includes('Your paper was counted: abstain'), (await words(paper)).slice(0, 300));

  const budget = await call({
    title: 'The fund of 2017', text: 'How shall £10,000 be shared out?', electorate: 'residents', quorum: '20',
    pot_pounds: '10000', options: 'garden; A roof garden; 2000\nsurveys; Energy surveys; 8000', list: list(70),
  });
  const of70 = await codes(budget);
  const share = (garden, surveys) => async (at) => {
    await at.fill('#option-garden', garden);
    await at.fill('#option-surveys', surveys);
  };
  check('budget: more than an option can use is refused', (await vote(budget, of70[0], share('2001', ''))) === null && (await words(paper)).includes('limit'), (await words(paper)).slice(0, 300));
  papers = 0;
  for (const [n, code] of of70.entries()) if (await vote(budget, code, n % 2 ? share('2,000', '4000') : share('', '8000'))) papers += 1;
  check('budget: 70 papers are in the box', papers === 70, String(papers));
  await close(budget);
  await paper.goto(`${base}/vote/bes1/${budget}`);
  check('budget: it is shared out', (await words(paper)).includes('£1,000.00  garden (35 voters)') || (await words(paper)).includes('£1,000.00 garden (35 voters)'), (await words(paper)).slice(0, 600));
  check('budget: Python counts the same', (await counted(budget)) === 'the same', await counted(budget));
  await booth.close();
}
