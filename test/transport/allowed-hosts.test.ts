import { describe, expect, test } from 'vitest';
import { createAllowedHosts } from '../../src/transport/allowed-hosts.ts';

describe('UPSTREAM_ALLOW_HOSTS', () => {
  test.each([
    ['gpu-1.example', 'http://gpu-1.example:8000/', true],
    ['gpu-1.example', 'http://GPU-1.example./', true],
    ['gpu-1.example', 'http://gpu-2.example/', false],
    ['gpu-1.example', 'http://gpu-1.example.evil.test/', false],
    ['*.svc.cluster.local', 'http://model.default.svc.cluster.local:8501/', true],
    ['*.svc.cluster.local', 'http://svc.cluster.local/', false],
    ['*.svc.cluster.local', 'http://evilsvc.cluster.local/', false],
    ['10.0.0.7:8501', 'http://10.0.0.7:8501/v1', true],
    ['10.0.0.7:8501', 'http://10.0.0.7:8500/', false],
    ['10.0.0.7', 'http://167772167/', true],
    ['model.example:80', 'http://model.example/', true],
    ['model.example:443', 'https://model.example/', true],
    ['[::1]:8000', 'http://[::1]:8000/', true],
    ['[::1]:8000', 'http://[::1]:8001/', false],
    ['[fd00:0:0::1]', 'http://[fd00::1]:8001/', true],
    ['*', 'http://anything.example/', true],
    ['*:8501', 'http://anything.example:8501/', true],
    ['*:8501', 'http://anything.example/', false],
  ])('%s allows %s: %s', (pattern, url, allowed) => {
    expect(createAllowedHosts(['other.example', pattern])(new URL(url))).toBe(allowed);
  });

  test('an empty list allows nothing', () => {
    expect(createAllowedHosts([])(new URL('http://model.example/'))).toBe(false);
  });
});
