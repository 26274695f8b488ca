import { expect, test } from 'vitest';
import { isLoopbackHost } from '../../src/lib/loopback.ts';

test.each([
  'localhost',
  'LOCALHOST',
  'localhost.',
  'app.localhost',
  '127.0.0.1',
  '127.255.0.9',
  '::1',
  '[::1]',
  '::ffff:127.0.0.1',
])('%s can only mean this machine', (host) => {
  expect(isLoopbackHost(host)).toBe(true);
});

test.each([
  '',
  '0.0.0.0',
  '::',
  '10.0.0.1',
  'localhost.example',
  'notlocalhost',
  '127.0.0.1.example',
  '1127.0.0.1',
  '::1.example',
  '.localhost',
  '128.0.0.1',
])('"%s" can mean another machine', (host) => {
  expect(isLoopbackHost(host)).toBe(false);
});
