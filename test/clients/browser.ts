import { onTestFinished } from 'vitest';
import { clientFile } from './clients.ts';

/** What is used here of playwright-core, which is no dependency of this package. */
interface Locator {
  click(): Promise<void>;
  fill(text: string): Promise<void>;
  textContent(): Promise<string | null>;
  waitFor(options?: { state: 'visible' | 'hidden' }): Promise<void>;
}

interface Page {
  goto(url: string): Promise<unknown>;
  locator(selector: string): Locator;
  on(event: 'request', listener: (request: { url(): string }) => void): void;
  on(event: 'console', listener: (message: { type(): string; text(): string }) => void): void;
  on(event: 'pageerror', listener: (error: Error) => void): void;
}

interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

interface Playwright {
  readonly chromium: { launch(options: object): Promise<Browser> };
}

export interface WatchedPage {
  readonly page: Page;
  /** Everything that the page asked for. */
  readonly requests: readonly string[];
  /** What the browser complained of: errors of scripts, and what the page's policy forbade. */
  readonly complaints: readonly string[];
}

/** Opens an empty page in headless Chromium, until the test ends. */
export async function openPage(): Promise<WatchedPage> {
  const { chromium }: Playwright = await import(clientFile('playwright-core/index.mjs'));
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    // CI runs as root in a container, with a small /dev/shm. The only page that is opened is ours.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => void requests.push(request.url()));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => void complaints.push(String(error)));
  return { page, requests, complaints };
}
