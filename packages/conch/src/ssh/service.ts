/** What runs on an SSH transport: user authentication, then connections (twisted.conch.ssh.service; RFC 4253 section 10). */
import { Logger } from "@strombus/reactor/logger";
import { peerLog } from "../peer-log.js";
import type { SSHTransportBase, TransportService } from "./transport.js";

const log = new Logger({ namespace: "strombus.conch.ssh.service" });

/** Base of the services. A message of theirs goes to the method `ssh_<NAME>`, which gets its body. */
export class SSHService implements TransportService {
  /** The name under which it is requested; subclasses set it. */
  name: string | null = null;
  /** Message number to `"MSG_<NAME>"`. */
  protocolMessages: Readonly<Record<number, string>> = {};
  /** Set before `serviceStarted`. */
  transport: SSHTransportBase | null = null;

  serviceStarted(): void {}

  /** The transport is gone, or another service takes its place. */
  serviceStopped(): void {}

  logPrefix(): string {
    const below = this.transport?.transport as { logPrefix?: () => string } | null | undefined;
    return `SSHService ${this.name ?? "None"} on ${below?.logPrefix?.() ?? "-"}`;
  }

  /** A message that the transport does not own; a number or a method that is missing is answered UNIMPLEMENTED. */
  packetReceived(messageNum: number, packet: Buffer): unknown {
    const message = this.protocolMessages[messageNum];
    const handler = message === undefined ? null : namedMethod(this, `ssh_${message.slice("MSG_".length)}`);
    if (handler !== null) return handler(packet);
    peerLog(log, this.transport).info("{service} has no handler for message {number}", {
      service: this.name,
      number: messageNum,
    });
    this.transport?.sendUnimplemented();
    return undefined;
  }
}

/** Computed names that some object had a method of, each as the one string that V8 has looked up before. */
const known = new Map<string, string>();
const MAX_KNOWN = 1000; // an object may have a method of any name

/**
 * The method of a computed name, bound, or null: how messages and requests find their handlers. The name starts with a
 * prefix of ours, so that no text of the peer's reaches what every object has.
 */
export function namedMethod(object: object, name: string): ((...args: unknown[]) => unknown) | null {
  const found = known.get(name);
  const method = (object as Record<string, unknown>)[found ?? name];
  if (typeof method !== "function") return null;
  if (found === undefined && known.size < MAX_KNOWN) known.set(name, name);
  return method.bind(object) as (...args: unknown[]) => unknown;
}
