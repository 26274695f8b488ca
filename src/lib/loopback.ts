/**
 * Whether a host name or address can only mean this machine: `localhost` and the names under it (RFC 6761, section
 * 6.3), 127.0.0.0/8, ::1 and its IPv4-mapped form.
 *
 * @param host a name, an IPv4 address, or an IPv6 address with or without brackets; no port
 */
export function isLoopbackHost(host: string): boolean {
  return /^(?:(?:[^.]+\.)*localhost\.?|127(?:\.\d{1,3}){3}|\[?(?:::ffff:127(?:\.\d{1,3}){3}|::1)\]?)$/i.test(
    host,
  );
}
