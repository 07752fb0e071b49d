/** From docs/algorithms.md: a server with groups for group exchange. */
import { parseModuliFile } from "@strombus/conch/openssh_compat/primes";
import type { SSHFactory } from "@strombus/conch/ssh/factory";

export function withGroups(factory: SSHFactory): void {
  factory.primes = parseModuliFile("/etc/ssh/moduli");
}
