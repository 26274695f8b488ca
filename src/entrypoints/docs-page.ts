import { createReadStream } from 'node:fs';
import helmet from '@fastify/helmet';
import type { FastifyPluginAsync } from 'fastify';
import { SkillgateError } from '../contracts/errors.ts';
import { docsHtml, docsScript, docsStyle } from './docs-page-files.ts';

/** Swagger UI as Fastify's own package carries it: the same files, without a telemetry package beside them. */
const swaggerUi = new URL('static/', import.meta.resolve('@fastify/swagger-ui/package.json'));

const component: ReadonlyMap<string, string> = new Map([
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['favicon-32x32.png', 'image/png'],
]);

/** How long a browser may keep the files of the page, in seconds. */
const maxAgeS = 3600;

/**
 * `GET /docs`: a page that shows /openapi.json and sends calls. It is open to everybody and holds no names of skills;
 * the document that it shows is not, and asks for a key where the gateway does. Everything comes from this package, and
 * its Content Security Policy (CSP level 3) lets the page reach this gateway alone.
 */
export const docsPage: FastifyPluginAsync = async (app) => {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Whether the whole host is reached by HTTPS alone is for its operator to say.
    strictTransportSecurity: false,
  });
  const open = { config: { public: true } };

  app.get('/docs', open, (_request, reply) => reply.type('text/html; charset=utf-8').send(docsHtml));
  app.get('/docs/', open, (_request, reply) => reply.redirect('../docs'));
  app.get('/docs/page.js', open, (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(docsScript),
  );
  app.get('/docs/page.css', open, (_request, reply) => reply.type('text/css; charset=utf-8').send(docsStyle));
  app.get<{ Params: { file: string } }>('/docs/:file', open, (request, reply) => {
    const { file } = request.params;
    const mediaType = component.get(file);
    if (mediaType === undefined) throw new SkillgateError('not_found', `There is no /docs/${file} here.`);
    return reply
      .type(mediaType)
      .header('cache-control', `public, max-age=${maxAgeS}`)
      .send(createReadStream(new URL(file, swaggerUi)));
  });
};
