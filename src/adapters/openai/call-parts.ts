import type { AdapterContext, Attempt } from '../../contracts/adapter.ts';
import type { OpenaiOptions } from './options.ts';

/** What the calls of an adapter are made with. */
export interface CallParts extends Omit<AdapterContext, 'options'> {
  readonly options: OpenaiOptions;
  readonly url: URL;
  readonly headersOf: (attempt: Attempt<unknown>) => Readonly<Record<string, string>>;
}
