/** Protocols that remember what they hear, on transports in memory. */
import type { Failure } from "@strombus/reactor/failure";
import { StringTransport } from "@strombus/reactor/testing";
import { DO, DONT, IAC, WILL, WONT } from "./constants.js";
import { TelnetProtocol, TelnetTransport } from "./transport.js";

/** What has been heard, in order: data as text, and everything else by name. */
export class Recorder extends TelnetProtocol {
  readonly heard: unknown[] = [];
  readonly local = new Set<number>();
  readonly remote = new Set<number>();

  override dataReceived(data: Buffer): void {
    this.heard.push(data.toString("latin1"));
  }
  override unhandledCommand(command: number, argument: number | null): void {
    this.heard.push(["command", command, argument]);
  }
  override unhandledSubnegotiation(option: number, bytes: Buffer): void {
    this.heard.push(["subnegotiation", option, [...bytes]]);
  }
  override enableLocal(option: number): boolean {
    if (this.local.has(option)) this.heard.push(["enableLocal", option]);
    return this.local.has(option);
  }
  override enableRemote(option: number): boolean {
    if (this.remote.has(option)) this.heard.push(["enableRemote", option]);
    return this.remote.has(option);
  }
  override disableLocal(option: number): void {
    this.heard.push(["disableLocal", option]);
  }
  override disableRemote(option: number): void {
    this.heard.push(["disableRemote", option]);
  }
  override connectionLost(reason: Failure): void {
    this.heard.push(["lost", reason]);
  }
}

export class Telnetting {
  readonly wire = new StringTransport();
  readonly protocol = new Recorder();
  readonly telnet = new TelnetTransport(() => this.protocol);

  constructor() {
    void this.telnet.makeConnection(this.wire);
  }

  /** The peer sends bytes, or text. */
  receive(...pieces: (number | string)[]): void {
    void this.telnet.dataReceived(bytes(...pieces));
  }

  /** What has gone out since the last look. */
  sent(): number[] {
    const sent = [...this.wire.value()];
    this.wire.clear();
    return sent;
  }
}

export function bytes(...pieces: (number | string)[]): Buffer {
  return Buffer.concat(
    pieces.map((each) => (typeof each === "number" ? Buffer.of(each) : Buffer.from(each, "latin1"))),
  );
}

export const iac = (...rest: number[]): number[] => [IAC, ...rest];
export const will = (option: number): number[] => iac(WILL, option);
export const wont = (option: number): number[] => iac(WONT, option);
export const do_ = (option: number): number[] => iac(DO, option);
export const dont = (option: number): number[] => iac(DONT, option);
