import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMetadataAddress } from '../../src/lib/metadata-address.ts';

test.each([
  '169.254.169.254',
  '169.254.0.1',
  '169.254.170.2',
  '169.254.255.255',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  'fd00:c1::a9fe:a9fe',
  'fd00:42::42',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '::169.254.169.254',
  '::ffff:0:169.254.169.254',
  '64:ff9b::169.254.169.254',
  '2002:a9fe:a9fe::1',
  '::ffff:100.100.100.200',
])('%s is refused', (address) => {
  expect(isMetadataAddress(address)).toBe(true);
});

test.each([
  '127.0.0.1',
  '::1',
  '0.0.0.0',
  '10.0.0.7',
  '172.17.0.2',
  '192.168.1.10',
  '100.64.0.1',
  '100.100.100.201',
  '169.253.255.255',
  '169.255.0.0',
  '168.63.129.17',
  'fd00::1',
  'fd12:3456::1',
  'fec0::1',
  '::ffff:10.0.0.7',
  '64:ff9b::10.0.0.7',
  '2002:a00:7::1',
  '2001:db8::a9fe:a9fe',
])('%s is not: models live on private addresses too', (address) => {
  expect(isMetadataAddress(address)).toBe(false);
});

test('every form of an IPv4 address is judged alike', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const linkLocal = fc.tuple(fc.constant(169), fc.constant(254), octet, octet);
  fc.assert(
    fc.property(fc.oneof(fc.tuple(octet, octet, octet, octet), linkLocal), (octets) => {
      const plain = octets.join('.');
      for (const form of [`::ffff:${plain}`, `64:ff9b::${plain}`, `::ffff:0:${plain}`]) {
        expect(isMetadataAddress(form)).toBe(isMetadataAddress(plain));
      }
    }),
  );
});
