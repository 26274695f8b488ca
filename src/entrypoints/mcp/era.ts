/** Whether a request is of the stateless revision (2026-07-28) or of one before it. */
export type Era = 'modern' | 'legacy';

/** The revision that has tasks in its core; the one after it has them as an extension, those before have none. */
export const coreTasksRevision = '2025-11-25';

/** The extension of 2026-07-28 that brings tasks (SEP-2663). */
export const tasksExtension = 'io.modelcontextprotocol/tasks';
