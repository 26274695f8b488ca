import type { DatabaseSync } from 'node:sqlite';
import type { Call, CallReply, OperationName, Operations, Result } from './protocol.ts';

/** The operations that need no transaction. */
const questions: ReadonlySet<OperationName> = new Set(['find', 'list', 'events', 'counts', 'listDead']);

/**
 * Runs calls in one transaction, so that one wait for the disk serves all of them. Where that fails, each has a
 * transaction of its own, and only those fail that have to.
 *
 * @returns once the transaction is on disk
 */
export function runCalls(
  database: DatabaseSync,
  operations: Operations,
  calls: readonly Call[],
): readonly CallReply[] {
  const changes = calls.filter(({ name }) => !questions.has(name));
  try {
    if (changes.length > 0) database.exec('BEGIN IMMEDIATE');
  } catch (failure) {
    // Another process holds the file for too long. To wait again for every single call would help nobody.
    const others = calls.filter((call) => !changes.includes(call));
    return [...changes.map((call) => failed(call, failure)), ...runCalls(database, operations, others)];
  }
  try {
    const replies = calls.map((call) => ({ id: call.id, result: runCall(operations, call) }));
    if (changes.length > 0) database.exec('COMMIT');
    return replies;
  } catch (failure) {
    // SQLite has rolled back by itself after some failures, and not after others.
    if (database.isTransaction) database.exec('ROLLBACK');
    const [call, ...others] = calls;
    if (call && others.length === 0) return [failed(call, failure)];
    return calls.flatMap((each) => runCalls(database, operations, [each]));
  }
}

function failed({ id }: Call, failure: unknown): CallReply {
  return { id, failure, sqliteCode: sqliteCodeOf(failure) };
}

function runCall<Name extends OperationName>(operations: Operations, call: Call<Name>): Result<Name> {
  return operations[call.name](call.argument);
}

function sqliteCodeOf(failure: unknown): number | undefined {
  if (!(failure instanceof Error) || !('errcode' in failure)) return undefined;
  // The low byte is the primary code (https://sqlite.org/rescode.html).
  return typeof failure.errcode === 'number' ? failure.errcode & 0xff : undefined;
}
