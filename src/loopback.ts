// Addresses that only this machine can reach.

/** Whether the host name or address `host` (IPv6 without brackets) is one of them. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
