import { errorTable, type SkillgateError } from '../../contracts/errors.ts';
import { errorText } from './tool-result.ts';

/** An error of JSON-RPC 2.0 (section 5.1). */
export interface RpcError {
  readonly code: number;
  readonly message: string;
}

/** `Invalid params` where the caller can mend it, else `Internal error`; the message says what a tool's error says. */
export function rpcErrorOf(error: SkillgateError, requestId: string): RpcError {
  return {
    code: errorTable[error.code].status < 500 ? -32602 : -32603,
    message: errorText(error, requestId),
  };
}
