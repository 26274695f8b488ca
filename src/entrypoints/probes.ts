import type { FastifyPluginAsync } from 'fastify';
import type { Skill, SkillCatalog } from '../contracts/skill.ts';

export interface ProbesOptions {
  readonly catalog: SkillCatalog;
  /** Whether the gateway is on its way out: it serves what it has, and wants nothing new. */
  readonly isDraining: () => boolean;
}

/**
 * `GET /livez`, `GET /readyz` for Kubernetes and load balancers; `?verbose` lists the skills. They read what the
 * probers know, and never ask a model anything.
 */
export const probes: FastifyPluginAsync<ProbesOptions> = async (app, { catalog, isDraining }) => {
  const open = { config: { public: true } };

  app.get('/livez', open, async () => ({ status: 'ok' }));

  app.get<{ Querystring: { verbose?: string } }>('/readyz', open, async (request, reply) => {
    const skills = catalog.list();
    const missing = skills.filter((skill) => skill.compiled.definition.readiness.required && !isReady(skill));
    const ready = !isDraining() && missing.length === 0;
    const status = ready ? 'ready' : isDraining() ? 'shutting_down' : 'waiting_for_models';
    reply.code(ready ? 200 : 503);
    if (request.query.verbose === undefined) return { status };
    return { status, skills: skills.map(describe) };
  });
};

function isReady(skill: Skill): boolean {
  return skill.readiness.current?.state === 'ready';
}

function describe({ compiled: { definition }, readiness }: Skill) {
  return {
    name: definition.name,
    required: definition.readiness.required,
    state: readiness.current?.state ?? 'not_ready',
    reason: readiness.current?.reason ?? 'the first probe has not ended yet',
  };
}
