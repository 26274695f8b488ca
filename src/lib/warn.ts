/**
 * Told of what went wrong without failing a call, for the log.
 *
 * @param event the name of the log line, such as `secret_unreadable`
 */
export type Warn = (event: string, error: unknown) => void;
