import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Recording, replayExchanges } from '../../scripts/interop/recording.ts';
import { adapterOver, runCase } from '../../scripts/interop/run-case.ts';

const folder = join(import.meta.dirname, '__fixtures__/recorded');

/** What real servers answered, as `npm run interop -- --keep` wrote it down. */
const recordings = readdirSync(folder)
  .sort()
  .map((file): Recording => JSON.parse(readFileSync(join(folder, file), 'utf8')));

it('servers of both protocols are recorded', () => {
  expect(recordings.map(({ server, door }) => `${server.split(' ')[0]} ${door}`)).toEqual(
    expect.arrayContaining([
      'Triton REST',
      'Triton gRPC',
      'MLServer REST',
      'MLServer gRPC',
      'llama.cpp REST',
    ]),
  );
});

describe.each(recordings)('$server over $door, as it answered on $date:', ({ cases, skills }) => {
  it.each(cases)('$name', async ({ skill, exchanges, gave, ...given }) => {
    const adapter = adapterOver(replayExchanges(exchanges), skills[skill] ?? null);
    expect(await runCase(adapter, given)).toEqual(gave);
    await adapter.close();
  });
});
