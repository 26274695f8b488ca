/** Writes docs/errors.md from the error table; with `--check`, only says whether it is in step. */
import { errorTable } from '../src/contracts/errors.ts';
import { writeGenerated } from './generated-file.ts';

const rows = Object.entries(errorTable).map(
  ([code, { status, title, retryable, remedy }]) =>
    `| \`${code}\` | ${status} | ${title} | ${retryable ? 'yes' : 'no'} | ${remedy} |`,
);

await writeGenerated(
  'docs/errors.md',
  `# Errors

Generated from \`src/contracts/errors.ts\` by \`npm run generate\`.

An error is a problem object (RFC 9457) of the media type \`application/problem+json\`: \`type\`
(\`urn:skillgate:error:CODE\`), \`title\`, \`status\`, \`detail\`, \`code\`, \`request_id\`, and for schema faults
\`errors\`, a list of \`{pointer, keyword, message}\`. The code is stable; \`detail\` is for people and may change.
Where it helps to come back later, the response has \`Retry-After\`.

"Retried" says whether the gateway itself tries the model server again before this error reaches the caller. The
model server's answer of that moment may say otherwise: an \`upstream_error\` is retried when the connection failed,
or when the server answered 429, 502, 503 or 504.

| code | HTTP | when | retried | what to do |
|---|---|---|---|---|
${rows.join('\n')}
`,
);
