import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { AgentSkill, SkillExports } from '../contracts/exports.ts';
import type { SkillCatalog } from '../contracts/skill.ts';
import { gatewayUrlOf } from './request-context.ts';
import { visibleSkill, visibleSkills } from './visible-skills.ts';

export interface ExportsOptions {
  readonly catalog: SkillCatalog;
  readonly exports: SkillExports;
}

type OfSkill = { Params: { name: string } };

/**
 * `GET /tools`, `GET /skills/{name}/SKILL.md`, `GET /skills/{name}.skill`, `GET /openapi.json`: the skills that the
 * caller may use, in the formats of Claude's side.
 */
export const exportsEntrypoint: FastifyPluginAsync<ExportsOptions> = async (
  app,
  { catalog, exports: skillExports },
) => {
  const agentSkill = (request: FastifyRequest<OfSkill>): AgentSkill =>
    skillExports.agentSkill(
      visibleSkill(catalog, request).compiled,
      catalog.list().map(({ compiled }) => compiled.definition.name),
      gatewayUrlOf(request),
    );
  const visible = (request: FastifyRequest) =>
    visibleSkills(catalog, request).map(({ compiled }) => compiled);

  app.get('/tools', async (request) => skillExports.tools(visible(request)));

  app.get('/openapi.json', async (request) => skillExports.openApi(visible(request), gatewayUrlOf(request)));

  app.get<OfSkill>('/skills/:name/SKILL.md', async (request, reply) => {
    const file = agentSkill(request).files.find(({ path }) => path === 'SKILL.md');
    return reply.type('text/markdown; charset=utf-8').send(file?.text);
  });

  app.get<OfSkill>('/skills/:name.skill', async (request, reply) => {
    const skill = agentSkill(request);
    return reply
      .type('application/zip')
      .header('content-disposition', `attachment; filename="${skill.name}.skill"`)
      .send(Buffer.from(skillExports.archive(skill)));
  });
};
