import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { mayUse } from '../contracts/caller.ts';
import { SkillgateError } from '../contracts/errors.ts';
import type { Skill, SkillCatalog } from '../contracts/skill.ts';

export interface CatalogOptions {
  readonly catalog: SkillCatalog;
}

/**
 * `GET /skills`, `GET /skills/{name}`: the skills that the caller may use, as Claude should see them. The endpoint is
 * this gateway; where the model server is, and how it is reached, stays inside.
 */
export const catalog: FastifyPluginAsync<CatalogOptions> = async (app, { catalog: skills }) => {
  app.get('/skills', async (request) => ({
    skills: skills
      .list()
      .filter((skill) => mayUse(request.caller, skill.compiled.definition.name))
      .map((skill) => publicDefinition(skill, request)),
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

/** A skill that the caller may not use does not exist for it. */
function visibleSkill(skills: SkillCatalog, request: FastifyRequest<{ Params: { name: string } }>): Skill {
  const { name } = request.params;
  const skill = skills.get(name);
  if (skill === undefined || !mayUse(request.caller, name)) {
    throw new SkillgateError('skill_not_found', `There is no skill ${name}.`);
  }
  return skill;
}

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
    endpoint: { url: `${request.protocol}://${request.host}/skills/${definition.name}`, method: 'POST' },
    examples: definition.examples,
  };
}
