import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { Skill, SkillCatalog } from '../contracts/skill.ts';
import { gatewayUrlOf } from './request-context.ts';
import { visibleSkill, visibleSkills } from './visible-skills.ts';

export interface CatalogOptions {
  readonly catalog: SkillCatalog;
}

/**
 * `GET /skills`, `GET /skills/{name}`: the skills that the caller may use, as Claude should see them. The endpoint is
 * this gateway; where the model server is, and how it is reached, stays inside.
 */
export const catalog: FastifyPluginAsync<CatalogOptions> = async (app, { catalog: skills }) => {
  app.get('/skills', async (request) => ({
    skills: visibleSkills(skills, request).map((skill) => publicDefinition(skill, request)),
  }));

  app.get<{ Params: { name: string } }>('/skills/:name', async (request) =>
    publicDefinition(visibleSkill(skills, request), request),
  );

  app.get<{ Params: { name: string } }>('/skills/:name/ready', async (request, reply) => {
    const { current } = visibleSkill(skills, request).readiness;
    const { state, reason, sinceMs, gpu } = current ?? {
      state: 'not_ready',
      reason: 'the first probe has not ended yet',
      sinceMs: Date.now(),
    };
    return reply.code(state === 'ready' ? 200 : 503).send({
      state,
      reason,
      since: new Date(sinceMs).toISOString(),
      ...(gpu && {
        gpu: { index: gpu.index, uuid: gpu.uuid, total_mib: gpu.totalMib, free_mib: gpu.freeMib },
      }),
    });
  });
};

function publicDefinition({ compiled: { definition } }: Skill, request: FastifyRequest) {
  return {
    name: definition.name,
    version: definition.version,
    ...(definition.title !== undefined && { title: definition.title }),
    description: definition.description,
    tags: definition.tags,
    annotations: definition.annotations,
    input_schema: definition.input_schema,
    output_schema: definition.output_schema,
    endpoint: { url: `${gatewayUrlOf(request)}/skills/${definition.name}`, method: 'POST' },
    examples: definition.examples,
  };
}
