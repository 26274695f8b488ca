import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createCallMetrics } from '../../src/plugins/call-metrics.ts';

async function linesOf(register: Registry, metric: string): Promise<string[]> {
  const text = await register.metrics();
  return text.split('\n').filter((line) => line.startsWith(`${metric}{`));
}

it('goes on counting where a skill left off when it is loaded anew, and keeps its versions apart', async () => {
  const register = new Registry();
  const meterFor = createCallMetrics(register);
  const first = meterFor({ name: 'predict', version: '1.0.0' });
  first.invocation('rest', 'ok', 0.002);
  first.invocation('rest', 'ok', 0.002);
  first.invocation('job', 'overloaded', 0.002);
  first.attempt('ok', 0.5);
  first.cacheRequest('memory', 'miss');
  const second = meterFor({ name: 'predict', version: '1.0.0' });
  second.invocation('rest', 'ok', 0.002);
  second.attempt('timeout', 0.25);
  second.cacheRequest('memory', 'miss');
  meterFor({ name: 'predict', version: '2.0.0' }).invocation('rest', 'ok', 0.002);
  meterFor({ name: 'other', version: '1.0.0' }).cacheRequest('memory', 'hit');

  expect(await linesOf(register, 'skillgate_invocations_total')).toEqual([
    'skillgate_invocations_total{skill="predict",version="1.0.0",source="rest",code="ok"} 3',
    'skillgate_invocations_total{skill="predict",version="1.0.0",source="job",code="overloaded"} 1',
    'skillgate_invocations_total{skill="predict",version="2.0.0",source="rest",code="ok"} 1',
  ]);
  expect(await linesOf(register, 'skillgate_upstream_attempts_total')).toEqual([
    'skillgate_upstream_attempts_total{skill="predict",outcome="ok"} 1',
    'skillgate_upstream_attempts_total{skill="predict",outcome="timeout"} 1',
  ]);
  expect(await linesOf(register, 'skillgate_cache_requests_total')).toEqual([
    'skillgate_cache_requests_total{skill="predict",level="memory",result="miss"} 2',
    'skillgate_cache_requests_total{skill="other",level="memory",result="hit"} 1',
  ]);
  expect(await linesOf(register, 'skillgate_upstream_duration_seconds_sum')).toContain(
    'skillgate_upstream_duration_seconds_sum{skill="predict"} 0.75',
  );
  expect(await linesOf(register, 'skillgate_invocation_duration_seconds_count')).toContain(
    'skillgate_invocation_duration_seconds_count{skill="predict"} 5',
  );
});

it('counts nothing twice, however often somebody scrapes', async () => {
  const register = new Registry();
  createCallMetrics(register)({ name: 'predict', version: '1.0.0' }).invocation('rest', 'ok', 0.002);
  await register.metrics();
  expect(await linesOf(register, 'skillgate_invocations_total')).toEqual([
    'skillgate_invocations_total{skill="predict",version="1.0.0",source="rest",code="ok"} 1',
  ]);
});
