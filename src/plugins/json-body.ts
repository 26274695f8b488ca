import { isUtf8 } from 'node:buffer';
import fastifyPlugin from 'fastify-plugin';
import { SkillgateError } from '../contracts/errors.ts';
import { parseExactJson } from '../lib/exact-json.ts';

/**
 * Reads JSON bodies, and nothing else. What JSON Schema cannot refuse (nesting, `__proto__`) is left to the input's
 * validation, which every entrypoint passes.
 */
export const jsonBody = fastifyPlugin(
  async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
      try {
        // Otherwise what is not text would reach the model as replacement characters.
        if (typeof body !== 'string' && !isUtf8(body)) throw new SyntaxError('it is not UTF-8 text');
        done(null, parseExactJson(body.toString()));
      } catch (error) {
        const detail = error instanceof Error ? error.message : 'it cannot be parsed';
        done(new SkillgateError('malformed_json', `The body is not JSON: ${detail}`, { cause: error }));
      }
    });
  },
  { name: 'json-body' },
);
