import type { JsonObject } from '../../contracts/json.ts';
import {
  accessResponses,
  callErrorResponses,
  jsonContent,
  pickResponses,
  response,
  schemaRef,
  skillName,
  textContent,
} from './operation.ts';

const ofSkill = { parameters: [skillName] };
const skillResponses = { ...accessResponses, ...pickResponses('skill_not_found') };
/** No credentials are asked for. */
const open = { security: [] };

/** Every route of the gateway that is there whatever the skills are. */
export const gatewayPaths: JsonObject = {
  '/skills': {
    get: {
      operationId: 'listSkills',
      tags: ['skills'],
      summary: 'List the skills',
      responses: {
        200: response(
          'The skills that the caller may use.',
          jsonContent({
            type: 'object',
            properties: { skills: { type: 'array', items: schemaRef('Skill') } },
          }),
        ),
        ...accessResponses,
      },
    },
  },
  '/skills/{name}': {
    ...ofSkill,
    get: {
      operationId: 'getSkill',
      tags: ['skills'],
      summary: 'Show a skill',
      responses: { 200: response('The skill.', jsonContent(schemaRef('Skill'))), ...skillResponses },
    },
    post: {
      operationId: 'callSkill',
      tags: ['skills'],
      summary: 'Call a skill',
      description:
        'The body is the input. Each skill has a path of its own in this document, with its schemas.',
      requestBody: { required: true, content: jsonContent({}) },
      responses: { 200: response('The output.', jsonContent({})), ...callErrorResponses },
    },
  },
  '/skills/{name}/batch': {
    ...ofSkill,
    post: {
      operationId: 'callSkillOnEach',
      tags: ['skills'],
      summary: 'Call a skill on several inputs',
      description: 'The results come in the order of the inputs. A bad input spoils only its own row.',
      requestBody: {
        required: true,
        content: jsonContent({
          type: 'object',
          required: ['inputs'],
          properties: { inputs: { type: 'array', items: {}, maxItems: 1000 } },
        }),
      },
      responses: {
        200: response(
          'A row for each input, with either its output or its error.',
          jsonContent({
            type: 'object',
            properties: {
              results: {
                type: 'array',
                items: { type: 'object', properties: { output: {}, error: schemaRef('Problem') } },
              },
            },
          }),
        ),
        ...callErrorResponses,
      },
    },
  },
  '/skills/{name}/ready': {
    ...ofSkill,
    get: {
      operationId: 'getSkillReadiness',
      tags: ['skills'],
      summary: 'Tell whether the model can be called',
      responses: {
        200: response('It can.', jsonContent(schemaRef('Readiness'))),
        503: response('It cannot, for now.', jsonContent(schemaRef('Readiness'))),
        ...skillResponses,
      },
    },
  },
  '/skills/{name}/SKILL.md': {
    ...ofSkill,
    get: {
      operationId: 'getAgentSkill',
      tags: ['exports'],
      summary: 'The skill as an Agent Skill: its SKILL.md',
      responses: { 200: response('SKILL.md', textContent('text/markdown')), ...skillResponses },
    },
  },
  '/skills/{name}.skill': {
    ...ofSkill,
    get: {
      operationId: 'getAgentSkillArchive',
      tags: ['exports'],
      summary: 'The skill as an Agent Skill: a zip archive of its folder',
      responses: { 200: response('The archive.', { 'application/zip': {} }), ...skillResponses },
    },
  },
  '/tools': {
    get: {
      operationId: 'listTools',
      tags: ['exports'],
      summary: 'The `tools` array of the Messages API',
      responses: {
        200: response(
          'The skills that the caller may use, as tools.',
          jsonContent({
            type: 'array',
            items: {
              type: 'object',
              required: ['name', 'description', 'input_schema'],
              properties: {
                name: { type: 'string' },
                description: { type: 'string' },
                input_schema: { type: 'object' },
              },
            },
          }),
        ),
        ...accessResponses,
      },
    },
  },
  '/openapi.json': {
    get: {
      operationId: 'getOpenApi',
      tags: ['exports'],
      summary: 'This document',
      responses: {
        200: response('OpenAPI 3.1.', jsonContent({ type: 'object' })),
        ...accessResponses,
      },
    },
  },
  '/docs': {
    get: {
      operationId: 'getDocs',
      tags: ['exports'],
      summary: 'A page to read this document and to try the skills',
      ...open,
      responses: { 200: response('The page.', textContent('text/html')) },
    },
  },
  '/livez': {
    get: {
      operationId: 'getLiveness',
      tags: ['operation'],
      summary: 'Tell whether the gateway lives',
      ...open,
      responses: {
        200: response('It does.', jsonContent({ type: 'object', properties: { status: { const: 'ok' } } })),
      },
    },
  },
  '/readyz': {
    get: {
      operationId: 'getReadiness',
      tags: ['operation'],
      summary: 'Tell whether the gateway takes calls',
      ...open,
      parameters: [
        {
          name: 'verbose',
          in: 'query',
          required: false,
          allowEmptyValue: true,
          description: 'Lists the skills.',
          schema: { type: 'string' },
        },
      ],
      responses: {
        200: response('It does.', jsonContent(schemaRef('GatewayReadiness'))),
        503: response('It does not, for now.', jsonContent(schemaRef('GatewayReadiness'))),
      },
    },
  },
  '/metrics': {
    get: {
      operationId: 'getMetrics',
      tags: ['operation'],
      summary: 'Metrics for Prometheus',
      responses: { 200: response('Prometheus text format.', textContent('text/plain')), ...accessResponses },
    },
  },
  '/.well-known/jwks.json': {
    get: {
      operationId: 'getJwks',
      tags: ['operation'],
      summary: "The public keys that verify the gateway's JWTs",
      ...open,
      responses: {
        200: response('A JWK Set (RFC 7517).', {
          'application/jwk-set+json': { schema: { type: 'object' } },
        }),
      },
    },
  },
};
