/** What both sides of SFTP have in common: packets, and a method for each type (twisted.conch.ssh.filetransfer). */
import { Failure } from "@strombus/reactor/failure";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { connectionDone, Protocol } from "@strombus/reactor/protocol";
import { settle } from "../channel/later.js";
import { ProtocolError } from "../error.js";
import * as messages from "../messages/sftp.js";
import { peerLog, tellWhatWasLeftOut } from "../peer-log.js";
import { namedMethod } from "../ssh/service.js";
import type { SSHTransportBase } from "../ssh/transport.js";
import { frame, frameHeader, FrameInput } from "../wire/frames.js";
import { type BytesLike, toBuffer } from "../wire/writer.js";
import { FX_OP_UNSUPPORTED } from "./numbers.js";

const log = new Logger({ namespace: "strombus.conch.ssh.filetransfer" });

const NOTHING = Buffer.alloc(0);

/** Bytes that take longer to copy than to send by themselves. */
const MUCH = 8192;

/**
 * Those who have a link's target in front of its path, as OpenSSH, and not as the draft. Dropbear and tinyssh have no SFTP of
 * their own, and PuTTY's has no links: what speaks through them is OpenSSH's, or made to work with it.
 */
const TARGET_FIRST =
  /OpenSSH|paramiko|^SSH-2\.0-(?:APACHE-SSHD|dropbear|Ganymed|Go|JSCH|libssh2|PuTTY|rclone|tinyssh|Trilead)/i;

/** A channel, when it has one. */
interface OfConnection {
  readonly conn?: { readonly transport?: SSHTransportBase | null } | null;
}

const packetTypes = new Map(
  Object.values(messages).flatMap((each) =>
    typeof each === "object" && "number" in each ? [[each.number, each.name] as const] : [],
  ),
);

/**
 * A packet goes to the method `packet_<NAME>`, which gets what follows the type: of all but INIT and VERSION the id of the
 * request first. What a method throws is logged, and the next packet is looked at.
 */
export class FileTransferBase extends Protocol {
  /** Type of a packet to its name, without FXP_. */
  static readonly packetTypes: ReadonlyMap<number, string> = packetTypes;

  readonly versions: readonly number[] = [3];
  /** What the other side speaks, when it has said so. */
  otherVersion: number | null = null;
  /** The connection is gone. @internal */
  protected isLost = false;
  readonly #input = new FrameInput("an SFTP packet");
  #taking = false;

  /** What has come of packets that were not looked at yet. */
  get buf(): Buffer {
    return this.#input.bytes;
  }

  set buf(bytes: Buffer) {
    this.#input.bytes = bytes;
  }

  /**
   * Sends nothing any more when the connection is gone.
   *
   * @param bulk what follows the data: as it is, where it is much, and not copied
   */
  sendPacket(kind: number, data: BytesLike, bulk: Buffer = NOTHING): void {
    if (this.isLost) return;
    const body = toBuffer(data);
    if (bulk.length < MUCH) {
      this.transport?.write(frame(kind, Buffer.concat([body, bulk])));
    } else {
      this.transport?.write(Buffer.concat([frameHeader(kind, body.length + bulk.length), body]));
      this.transport?.write(bulk);
    }
  }

  override dataReceived(data: Buffer): MaybeAsync {
    this.#input.add(data);
    this.takePackets();
  }

  override connectionLost(reason: Failure = connectionDone): MaybeAsync {
    void super.connectionLost(reason);
    this.connected = false;
    this.isLost = true;
    tellWhatWasLeftOut(this);
  }

  // For the two sides

  /** Whether the next packet may be looked at. @internal */
  protected mayTake(): boolean {
    return true;
  }

  /** Looks at the packets that have come, as long as it is ready; safe to call from within. @internal */
  protected takePackets(): void {
    if (this.#taking) return;
    this.#taking = true;
    try {
      while (this.mayTake()) {
        const packet = this.#input.take();
        if (packet === null) break;
        this.#packet(packet[0]!, packet.subarray(1));
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.lines.error("SFTP ends: {reason}", { reason: error.message });
      this.#input.bytes = NOTHING;
      this.transport?.loseConnection();
    } finally {
      this.#taking = false;
    }
  }

  /** What a method threw: a ProtocolError is the other side's fault. @internal */
  protected packetFailed(name: string, data: Buffer, error: unknown): void {
    if (error instanceof ProtocolError) this.lines.warn("SFTP: {reason}", { reason: error.message });
    else this.lines.failure("SFTP packet {name} failed", new Failure(error), { name });
  }

  /** @internal */
  protected sendStatus(id: number, code: number, message: string): void {
    this.sendPacket(messages.Status.number, messages.Status.encode({ id, code, message, language: "" }));
  }

  /** A log whose lines the other side can bring about. @internal */
  protected get lines() {
    return peerLog(log, this);
  }

  /** The other side sends a link's target first, and expects that. @internal */
  protected get linkTargetFirst(): boolean {
    return TARGET_FIRST.test(peerVersionOf(this.transport));
  }

  #packet(kind: number, data: Buffer): void {
    const name = packetTypes.get(kind);
    if (name === undefined) {
      this.lines.warn("there is no SFTP packet of type {kind}", { kind });
      return;
    }
    const handler = namedMethod(this, `packet_${name}`);
    if (handler === null) {
      if (data.length >= 4) this.sendStatus(data.readUInt32BE(0), FX_OP_UNSUPPORTED, `don't understand ${name}`);
      return;
    }
    settle(
      () => handler(data),
      () => {},
      (error) => this.packetFailed(name, data, error),
    );
  }
}

/** The version line of who is at the other end of a channel, or of a session's program; "" where nobody knows. */
function peerVersionOf(transport: unknown): string {
  const { session = transport } = (transport ?? {}) as { session?: unknown };
  return (session as OfConnection | null)?.conn?.transport?.otherVersionString ?? "";
}
