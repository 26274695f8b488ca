/**
 * The thread that has the job file. SQLite waits for the disk on the very thread that calls it, so the file has a thread
 * of its own: the gateway's event loop stays free, and what comes while the disk is busy shares the next transaction.
 */
import type { DatabaseSync } from 'node:sqlite';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { runCalls } from './group-commit.ts';
import { createJournal } from './journal.ts';
import { createOperations } from './operations.ts';
import type { Call, Change, FromThread, ThreadSetup, ToThread } from './protocol.ts';
import { openDatabase } from './schema.ts';

/** How often the thread looks whether another process has written, in milliseconds. */
const lookMs = 50;
/** The most calls of one transaction, so that the first do not wait for too many others. */
const batchSize = 1000;

if (!parentPort) throw new Error('This file runs as a worker thread.');
main(parentPort, workerData);

function main(port: MessagePort, setup: ThreadSetup): void {
  const post = (message: FromThread) => port.postMessage(message);
  let database: DatabaseSync;
  try {
    database = openDatabase(setup.path, setup.maxBytes);
  } catch (reason) {
    post({ type: 'open-failed', reason });
    port.close();
    return;
  }
  const journal = createJournal(database);
  const operations = createOperations(database, setup, journal);
  const hasForeignChanges = createForeignChangeDetector(database);

  function run(calls: readonly Call[]): void {
    for (let at = 0; at < calls.length; at += batchSize) {
      const replies = runCalls(database, operations, calls.slice(at, at + batchSize));
      post({ type: 'settled', replies, changes: news() });
    }
  }

  function news(): readonly Change[] {
    try {
      return journal.news();
    } catch (reason) {
      // Nothing is lost: they are news until they have been read.
      post({ type: 'trouble', reason });
      return [];
    }
  }

  const looking = setInterval(() => {
    const changes = hasForeignChanges() ? news() : [];
    if (changes.length > 0) post({ type: 'settled', replies: [], changes });
  }, lookMs);

  port.on('message', (first: ToThread) => {
    const calls: Call[] = [];
    let isClosing = false;
    for (const message of [first, ...waitingMessages(port)]) {
      if (message.type === 'close') isClosing = true;
      else calls.push(...message.calls);
    }
    run(calls);
    if (!isClosing) return;
    clearInterval(looking);
    database.close();
    port.close();
  });
  post({ type: 'opened' });
}

/** What else has come by now. */
function* waitingMessages(port: MessagePort): Iterable<ToThread> {
  for (;;) {
    const next: { message: ToThread } | undefined = receiveMessageOnPort(port);
    if (next === undefined) return;
    yield next.message;
  }
}

/** Tells whether another connection has committed since it was last asked (https://sqlite.org/pragma.html#pragma_data_version). */
function createForeignChangeDetector(database: DatabaseSync): () => boolean {
  const version = database.prepare('PRAGMA data_version');
  let known = version.get()?.data_version;
  return () => {
    const found = version.get()?.data_version;
    const isNew = found !== known;
    known = found;
    return isNew;
  };
}
