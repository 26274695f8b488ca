import { expect, test } from 'vitest';
import { serverRoutes } from '../../../src/adapters/shared/server-routes.ts';

test.each([
  ['http://a:1', '', '/v1/models', 'http://a:1/v1/models'],
  ['http://a:1/', '/v1', '/v1/models', 'http://a:1/v1/models'],
  ['http://a:1/v1/', '/v1', '/v1/models', 'http://a:1/v1/models'],
  ['http://a:1/b/v1', '/v1', '/api/chat', 'http://a:1/b/api/chat'],
  ['http://a:1/v10', '/v1', '/v1/models', 'http://a:1/v10/v1/models'],
  ['http://a:1/b?key=c', '/v1', '/v1', 'http://a:1/b/v1?key=c'],
  ['http://a:1//b.example', '', '/v1', 'http://a:1//b.example/v1'],
  ['http://a:1', '', '//b.example/v1', 'http://a:1//b.example/v1'],
  ['http://a:1', '', '/v2/models/c%2Fd', 'http://a:1/v2/models/c%2Fd'],
])('below %s (ending %j) the route %s is %s', (text, ending, path, route) => {
  expect(serverRoutes(text, ending)(path).href).toBe(route);
});
