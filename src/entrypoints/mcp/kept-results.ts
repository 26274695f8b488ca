import type { FastifyPluginAsync } from 'fastify';
import { SkillgateError } from '../../contracts/errors.ts';
import type { ResultStore } from '../../contracts/stores.ts';

export interface KeptResultsOptions {
  readonly results: ResultStore;
}

/** The path at which a kept result can be fetched. */
export function resultPath(id: string): string {
  return `/mcp/results/${id}`;
}

/** `GET /mcp/results/{id}`: a result that was too large for the client, for the caller that asked for it. */
export const keptResults: FastifyPluginAsync<KeptResultsOptions> = async (app, { results }) => {
  app.get<{ Params: { id: string } }>(resultPath(':id'), async (request, reply) => {
    const kept = await results.find(request.params.id);
    if (kept === undefined || kept.callerId !== request.caller.id) {
      throw new SkillgateError('not_found', 'There is no such result, or its time is over.');
    }
    return reply.header('content-type', 'application/json; charset=utf-8').send(kept.json);
  });
};
