/** A duration. */
export const milliseconds = { type: 'integer', minimum: 1, maximum: 86_400_000 } as const;

/** The name of an environment variable. */
export const environmentVariable = { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' } as const;
