/** The ends of an SSH connection (twisted.conch.ssh.address). */
import { implementer } from "@strombus/reactor/components";
import { IAddress } from "@strombus/reactor/interfaces";

/** The address of an SSH transport: `address` is that of the transport below it. A value: compare it with `equals`. */
@implementer(IAddress)
export class SSHTransportAddress implements IAddress {
  readonly address: IAddress;

  constructor(address: IAddress) {
    this.address = address;
  }

  /** Never true for the bare address below. */
  equals(other: unknown): boolean {
    return other instanceof SSHTransportAddress && this.address.equals(other.address);
  }

  /** Equal addresses have equal texts, so this serves as a key. */
  toString(): string {
    return `SSHTransportAddress(${this.address.toString()})`;
  }
}
