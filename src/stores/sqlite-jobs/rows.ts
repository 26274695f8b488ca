import type { SQLOutputValue } from 'node:sqlite';
import { type JobEvent, type JobStatus, type JobSummary, jobStatuses } from '../../contracts/jobs.ts';
import type { Problem } from '../../contracts/problem.ts';

/** A row as SQLite gives it. */
export type Row = Record<string, SQLOutputValue>;

/** @throws TypeError where the column holds no text, which the tables rule out */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`${column} is no text`);
  return value;
}

/** @throws TypeError where the column holds no number, which the tables rule out */
export function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new TypeError(`${column} is no number`);
  return value;
}

/** Undefined where the column is NULL. */
export function optionalText(row: Row, column: string): string | undefined {
  return row[column] === null ? undefined : text(row, column);
}

function optionalInteger(row: Row, column: string): number | undefined {
  return row[column] === null ? undefined : integer(row, column);
}

/** @throws TypeError where the column holds none of the states */
export function statusOf(row: Row): JobStatus {
  const status = jobStatuses.find((known) => known === row.status);
  if (status === undefined) throw new TypeError(`${row.status} is no state of a job`);
  return status;
}

function errorOf(row: Row): Problem | undefined {
  const error = optionalText(row, 'error');
  return error === undefined ? undefined : JSON.parse(error);
}

/** The columns that `toSummary` reads. */
export const summaryColumns = 'id, skill, version, status, attempts, created_at, started_at, ended_at, error';

export function toSummary(row: Row): JobSummary {
  const startedAtMs = optionalInteger(row, 'started_at');
  const endedAtMs = optionalInteger(row, 'ended_at');
  const error = errorOf(row);
  return {
    id: text(row, 'id'),
    skill: text(row, 'skill'),
    version: text(row, 'version'),
    status: statusOf(row),
    attempts: integer(row, 'attempts'),
    createdAtMs: integer(row, 'created_at'),
    ...(startedAtMs !== undefined && { startedAtMs }),
    ...(endedAtMs !== undefined && { endedAtMs }),
    ...(error && { error }),
  };
}

export function toEvent(row: Row): JobEvent {
  const error = errorOf(row);
  const retryAtMs = optionalInteger(row, 'retry_at');
  return {
    id: integer(row, 'id'),
    atMs: integer(row, 'at'),
    status: statusOf(row),
    attempts: integer(row, 'attempts'),
    ...(error && { error }),
    ...(retryAtMs !== undefined && { retryAtMs }),
  };
}
