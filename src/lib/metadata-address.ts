import ipaddr from 'ipaddr.js';

/** Link-local addresses, and those at which clouds hand credentials to whoever asks from inside the machine. */
const refused = [
  '169.254.0.0/16', // IPv4 link-local (RFC 3927): AWS, Azure, Google, Oracle and most others
  'fe80::/10', // IPv6 link-local (RFC 4291)
  'fd00:ec2::/32', // AWS: instance metadata, EKS pod identity
  'fd20:ce::254/128', // Google Cloud
  'fd00:c1::a9fe:a9fe/128', // Oracle Cloud
  '192.0.0.192/32', // Oracle Cloud at Customer
  '100.100.100.200/32', // Alibaba Cloud
  'fd00:100::100:200/128', // Alibaba Cloud
  'fd00:a9fe:a9fe::1/128', // Akamai (Linode)
  'fd00:42::42/128', // Scaleway
  '168.63.129.16/32', // Azure WireServer: goal state, certificates and extension settings of the virtual machine
].map((range) => ipaddr.parseCIDR(range));

/** Forms of IPv6 that carry an IPv4 address, with the place where it begins, in bytes. */
const carriers: readonly (readonly [ReturnType<typeof ipaddr.parseCIDR>, number])[] = [
  [ipaddr.parseCIDR('::ffff:0:0/96'), 12], // mapped (RFC 4291)
  [ipaddr.parseCIDR('::/96'), 12], // compatible (RFC 4291, deprecated)
  [ipaddr.parseCIDR('::ffff:0:0:0/96'), 12], // translated (RFC 2765)
  [ipaddr.parseCIDR('64:ff9b::/96'), 12], // NAT64 (RFC 6052)
  [ipaddr.parseCIDR('2002::/16'), 2], // 6to4 (RFC 3056)
];

/**
 * Whether an address is link-local or serves cloud metadata: no model is there, and whatever reaches it gets the
 * credentials of the machine. Private addresses are none of these, for models live on them.
 *
 * @param address an IPv4 or IPv6 address, without brackets
 */
export function isMetadataAddress(address: string): boolean {
  const parsed = ipaddr.parse(address);
  if (refused.some((range) => isWithin(parsed, range))) return true;
  const carrier = carriers.find(([range]) => isWithin(parsed, range));
  if (carrier === undefined) return false;
  const carried = ipaddr.fromByteArray(parsed.toByteArray().slice(carrier[1], carrier[1] + 4));
  return refused.some((range) => isWithin(carried, range));
}

function isWithin(
  address: ipaddr.IPv4 | ipaddr.IPv6,
  [network, bits]: [ipaddr.IPv4 | ipaddr.IPv6, number],
): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}
