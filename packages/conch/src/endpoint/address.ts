/** Where a command runs. */
import { implementer } from "@strombus/reactor/components";
import { IAddress } from "@strombus/reactor/interfaces";
import type { SSHTransportAddress } from "../ssh/address.js";

/** A command of a user on a server: what the factory of its protocol is told. */
@implementer(IAddress)
export class SSHCommandAddress implements IAddress {
  /** @param username null on a connection that no endpoint has made: nobody knows */
  constructor(
    readonly server: SSHTransportAddress,
    readonly username: string | null,
    readonly command: string,
  ) {}

  equals(other: unknown): boolean {
    return (
      other instanceof SSHCommandAddress &&
      this.server.equals(other.server) &&
      this.username === other.username &&
      this.command === other.command
    );
  }

  toString(): string {
    return `SSHCommandAddress(${this.server.toString()}, ${JSON.stringify(this.username)}, ${JSON.stringify(this.command)})`;
  }
}
