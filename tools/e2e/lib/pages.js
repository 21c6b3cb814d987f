// Every state of the person's pages, served from memory: internal/page/pagetest/cmd/pages.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '../../..');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * Starts the pages.
 * @returns {Promise<{origin: string, names: string[], url: (name: string, options?: {brand?: string,
 *   query?: string}) => string, log: () => string, stop: () => Promise<void>}>} `url` gives each call
 *   a back end of its own
 */
export async function startPages() {
  const child = spawn('go', ['run', './internal/page/pagetest/cmd/pages'], { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk) => (log += chunk));
  const ended = new Promise((done) => {
    child.once('error', (error) => {
      log += error.message;
      done();
    });
    child.once('exit', done);
  });
  const said = new Promise((done) => createInterface({ input: child.stdout }).once('line', done));
  const line = await Promise.race([said, ended]);
  if (typeof line !== 'string') throw new Error(`the pages did not start:\n${log}`);
  const { origin, paths } = JSON.parse(line);
  let visits = 0;
  return {
    origin,
    names: Object.keys(paths).sort(),
    url: (name, { brand = 'plain', query = '' } = {}) => `${origin}/${brand}/${++visits}/${paths[name] ?? name}${query}`,
    log: () => log,
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** What axe finds against WCAG 2.2 AA and its best practices, one line each. */
export async function axeFinds(page) {
  // Chromium runs this outside of the page's policy.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    window.axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      rules: { 'target-size': { enabled: true } },
    }),
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`));
}

/** The controls that are smaller than 44 by 44 pixels. */
export async function smallTargets(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('a, button, input:not([type=hidden]):not([hidden])')]
      .filter((control) => getComputedStyle(control).visibility === 'visible')
      .map((control) => [control, control.getBoundingClientRect()])
      .filter(([, { width, height }]) => width < 44 || height < 44)
      .map(([control, { width, height }]) => `${control.localName} "${control.textContent}": ${width} × ${height}`),
  );
}

/** How far things have moved by themselves since the page was opened: 0 is not at all. */
export async function shifted(page) {
  return page.evaluate(
    () =>
      new Promise((done) => {
        let sum = 0;
        const observer = new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
        });
        observer.observe({ type: 'layout-shift', buffered: true });
        // Two frames are enough for what is buffered.
        requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
      }),
  );
}
