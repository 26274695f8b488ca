import type { JsonObject } from '../../contracts/json.ts';
import type { CompiledSkill } from '../../contracts/skill.ts';
import { securitySchemes, sharedHeaders, sharedSchemas } from './components.ts';
import { gatewayPaths } from './gateway-paths.ts';
import { jobPaths, jobSchemas } from './job-paths.ts';
import { mcpPaths } from './mcp-paths.ts';
import { callErrorComponents } from './operation.ts';
import { skillPath, skillSchemas } from './skill-paths.ts';

/**
 * An OpenAPI 3.1 document of the gateway: every route, and a path with its own schemas for each skill.
 *
 * @param gatewayUrl where the gateway is
 * @param version of the gateway
 */
export function toOpenApi(skills: readonly CompiledSkill[], gatewayUrl: string, version: string): JsonObject {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Skillgate',
      version,
      description: 'Local models as skills. Every skill has a path of its own; its body is the input.',
    },
    servers: [{ url: gatewayUrl }],
    // The last: gateways that ask for no credentials.
    security: [{ bearer: [] }, { apiKey: [] }, {}],
    tags: [
      { name: 'skills', description: 'Call them.' },
      { name: 'jobs', description: 'Call them without waiting.' },
      { name: 'exports', description: 'Give them to Claude.' },
      { name: 'mcp', description: 'The same as MCP tools.' },
      { name: 'operation', description: 'Run the gateway.' },
    ],
    paths: {
      ...Object.fromEntries(skills.map((skill) => [`/skills/${skill.definition.name}`, skillPath(skill)])),
      ...gatewayPaths,
      ...jobPaths,
      ...mcpPaths,
    },
    components: {
      schemas: { ...sharedSchemas, ...jobSchemas, ...Object.assign({}, ...skills.map(skillSchemas)) },
      responses: callErrorComponents,
      headers: sharedHeaders,
      securitySchemes,
    },
  };
}
