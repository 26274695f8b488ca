import type { JsonValue } from '../../contracts/json.ts';
import type { ModelStatus } from '../../contracts/readiness.ts';
import { onOneLine } from '../shared/server-message.ts';

interface VersionStatus {
  readonly version: string;
  readonly state: string;
  readonly errorCode: string;
  readonly errorMessage: string;
}

/**
 * Reads the status of a model (GetModelStatusResponse): one available version is enough, and the newest says why
 * there is none. END stands for a clean unload and for a failed load; its error code tells them apart.
 */
export function readModelStatus(body: JsonValue): ModelStatus {
  const versions = versionsIn(body);
  const available = versions.find(({ state }) => state === 'AVAILABLE');
  if (available) return { state: 'ready', reason: `Version ${available.version} is available.` };
  const coming = versions.find(({ state }) => state === 'LOADING' || state === 'START');
  if (coming) return { state: 'loading', reason: `Version ${coming.version} is loading.` };
  const [newest] = versions.toSorted((a, b) => Number(b.version) - Number(a.version));
  return {
    state: 'not_ready',
    reason: newest ? reasonOf(newest) : 'The server names no version of the model.',
  };
}

function reasonOf({ version, state, errorCode, errorMessage }: VersionStatus): string {
  if (state !== 'END') return `Version ${version} is in state ${state}.`;
  if (errorCode === 'OK' || errorCode === '') return `Version ${version} was unloaded.`;
  const reason = onOneLine(errorMessage);
  return `Version ${version} failed to load: ${errorCode}${reason === undefined ? '' : `: ${reason}`}`;
}

function versionsIn(body: JsonValue): VersionStatus[] {
  const list = membersOf(body).model_version_status;
  if (!Array.isArray(list)) return [];
  return list.map((entry) => {
    const { version, state, status } = membersOf(entry);
    const { error_code: errorCode, error_message: errorMessage } = membersOf(status);
    return {
      version: text(version),
      state: text(state),
      errorCode: text(errorCode),
      errorMessage: text(errorMessage),
    };
  });
}

function membersOf(value: JsonValue | undefined): Readonly<Record<string, JsonValue | undefined>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
