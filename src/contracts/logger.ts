/** Fields of a log line. Never inputs, outputs, tokens or keys. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A structured log: an event's name and its fields, one JSON line each. */
export interface Logger {
  debug(fields: LogFields, event: string): void;
  info(fields: LogFields, event: string): void;
  warn(fields: LogFields, event: string): void;
  error(fields: LogFields, event: string): void;
}
