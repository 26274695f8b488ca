import fastifyPlugin from 'fastify-plugin';
import { SkillgateError } from '../contracts/errors.ts';

/**
 * Reads JSON bodies, and nothing else. What JSON Schema cannot refuse (nesting, `__proto__`) is left to the input's
 * validation, which every entrypoint passes.
 */
export const jsonBody = fastifyPlugin(
  async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
      try {
        done(null, JSON.parse(String(body)));
      } catch (error) {
        const detail = error instanceof Error ? error.message : 'it cannot be parsed';
        done(new SkillgateError('malformed_json', `The body is not JSON: ${detail}`, { cause: error }));
      }
    });
  },
  { name: 'json-body' },
);
