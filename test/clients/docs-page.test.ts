import { describe, expect, it } from 'vitest';
import { createApiKey } from '../../src/credentials/api-key.ts';
import { openPage, type WatchedPage } from './browser.ts';
import { startLanguageGateway } from './language-skill.ts';

const skill = '#operations-skills-detect_language';

/** Sends the example input by the page's own buttons, and gives the answer that the page shows. */
async function tryOut({ page }: WatchedPage): Promise<string | null> {
  await page.locator(`${skill} .opblock-summary`).click();
  await page.locator(`${skill} button.execute`).click();
  const answer = page.locator(`${skill} .live-responses-table .response-col_description .highlight-code`);
  await answer.waitFor();
  return answer.textContent();
}

function foreign(requests: readonly string[], url: string): string[] {
  return requests.filter((request) => !request.startsWith(`${url}/`) && !request.startsWith('data:'));
}

describe('the page at /docs, in Chromium', () => {
  it('sends a call and shows the answer, without a request to any other host', async () => {
    const { url } = await startLanguageGateway();
    const watched = await openPage();
    await watched.page.goto(`${url}/docs`);
    expect(await tryOut(watched)).toMatch(/"prediction":\s*"fr"/);
    expect(watched.requests).toContain(`${url}/skills/detect_language`);
    expect(foreign(watched.requests, url)).toEqual([]);
    expect(watched.complaints).toEqual([]);
  });

  it('asks for a key where the gateway does, and sends it with the calls', async () => {
    const ann = createApiKey('ann');
    const { url } = await startLanguageGateway({ AUTH_API_KEYS: ann.entry });
    const watched = await openPage();
    const { page } = watched;
    await page.goto(`${url}/docs`);
    await page.locator('#key').fill('wrong');
    await page.locator('#key-form button').click();
    await page.locator('#message:not(:empty)').waitFor();
    await page.locator('#key').fill(ann.key);
    await page.locator('#key-form button').click();
    expect(await tryOut(watched)).toMatch(/"prediction":\s*"fr"/);
    expect(foreign(watched.requests, url)).toEqual([]);
  });
});
