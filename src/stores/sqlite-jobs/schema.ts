import { DatabaseSync } from 'node:sqlite';

/** How long a process waits while another one writes, in milliseconds. */
const busyMs = 5000;
const pageBytes = 4096;
/** Raised with every change of the tables. */
const schemaVersion = 1;

/**
 * What changes often is small and apart from what is large: a sign of life must not rewrite an input. `seq` is never
 * used twice, and gives the order of acceptance.
 */
const tables = `
CREATE TABLE IF NOT EXISTS jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  caller TEXT NOT NULL,
  skill TEXT NOT NULL,
  version TEXT NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  -- Set while it waits for its next attempt.
  delayed_until INTEGER,
  error TEXT,
  -- A run stores nothing unless the fence is still its own.
  fence INTEGER NOT NULL DEFAULT 0,
  -- Grows with every sign of life of the run.
  beat INTEGER NOT NULL DEFAULT 0,
  interrupted INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0,
  idempotency_key TEXT,
  input_digest TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_queued ON jobs (seq, delayed_until, skill) WHERE status = 'queued';
CREATE INDEX IF NOT EXISTS jobs_delayed ON jobs (delayed_until) WHERE status = 'queued' AND delayed_until IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_running ON jobs (skill) WHERE status = 'running';
CREATE INDEX IF NOT EXISTS jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_dead ON jobs (id) WHERE dead = 1;
CREATE INDEX IF NOT EXISTS jobs_of_caller ON jobs (caller, id);
CREATE UNIQUE INDEX IF NOT EXISTS jobs_idempotency ON jobs (caller, skill, idempotency_key)
  WHERE idempotency_key IS NOT NULL;

-- What a run needs, kept until nobody can run the job any more.
CREATE TABLE IF NOT EXISTS job_inputs (
  job INTEGER PRIMARY KEY REFERENCES jobs (seq) ON DELETE CASCADE,
  grants TEXT NOT NULL,
  request_id TEXT NOT NULL,
  traceparent TEXT,
  cache_directive TEXT NOT NULL,
  input TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS job_outputs (
  job INTEGER PRIMARY KEY REFERENCES jobs (seq) ON DELETE CASCADE,
  output TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS job_events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  error TEXT,
  retry_at INTEGER,
  UNIQUE (job, id)
) STRICT;

-- Counting a hundred thousand rows at every submission and every scrape would be too slow.
CREATE TABLE IF NOT EXISTS job_counts (status TEXT PRIMARY KEY, jobs INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS count_new AFTER INSERT ON jobs BEGIN
  INSERT INTO job_counts VALUES (new.status, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER IF NOT EXISTS count_changed AFTER UPDATE OF status ON jobs WHEN old.status <> new.status BEGIN
  UPDATE job_counts SET jobs = jobs - 1 WHERE status = old.status;
  INSERT INTO job_counts VALUES (new.status, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER IF NOT EXISTS count_gone AFTER DELETE ON jobs BEGIN
  UPDATE job_counts SET jobs = jobs - 1 WHERE status = old.status;
END;

PRAGMA user_version = ${schemaVersion};
`;

/**
 * Opens the file, and makes it where there is none.
 *
 * @param maxBytes the size that the file may have
 * @throws Error where the file cannot be used
 */
export function openDatabase(path: string, maxBytes: number): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: busyMs, enableForeignKeyConstraints: true });
  try {
    prepare(database, maxBytes);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function prepare(database: DatabaseSync, maxBytes: number): void {
  database.exec(`PRAGMA page_size = ${pageBytes}`);
  const { journal_mode: mode } = database.prepare('PRAGMA journal_mode = WAL').get() ?? {};
  if (mode !== 'wal') throw new Error(`the file system takes no write-ahead log (journal mode ${mode})`);
  // FULL: with NORMAL the newest commits would be gone after a power failure, accepted jobs among them.
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA journal_size_limit = 67108864');
  database.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageBytes)}`);
  database.exec('BEGIN IMMEDIATE');
  const { user_version: found } = database.prepare('PRAGMA user_version').get() ?? {};
  if (typeof found !== 'number' || found > schemaVersion) {
    throw new Error(`the file was made by a newer version of the gateway (tables ${found})`);
  }
  database.exec(tables);
  database.exec('COMMIT');
}
