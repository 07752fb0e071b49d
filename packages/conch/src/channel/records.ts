/** What is told of channels at their end: what they were, who wanted them, and what ran on them. */
import type { EventFields, ForwardingFields, SessionFields } from "../events/catalogue.js";
import { plain, report } from "../events/report.js";
import { ExitSignal, Subsystem } from "../messages/connection.js";
import { DirectStreamlocal, StreamlocalListen, TCPChannel, TCPListen } from "../messages/forwarding.js";
import { SparseMap } from "../sparse.js";
import type { SSHChannel } from "../ssh/channel.js";
import { toBuffer, type BytesLike } from "../wire/writer.js";

type Initiator = "client" | "server";

interface Program {
  readonly fields: SessionFields;
  /** Null until it is known to run. */
  startedAt: number | null;
  status: number | null;
  signal: string | null;
}

interface ChannelRecord {
  readonly type: string;
  readonly initiator: Initiator;
  readonly openedAt: number;
  readonly forwarding: ForwardingFields | null;
  program: Program | null;
}

const KINDS: ReadonlySet<string> = new Set(["shell", "exec", "subsystem"]);

const FORWARDING: ReadonlySet<string> = new Set([
  "direct-tcpip",
  "forwarded-tcpip",
  "direct-streamlocal@openssh.com",
  "forwarded-streamlocal@openssh.com",
  "x11",
  "auth-agent@openssh.com",
]);

/** A connection's clock: in memory it may have none. */
interface Transport {
  readonly clock?: { seconds(): number };
}

export class ChannelRecords {
  readonly #records = new SparseMap<SSHChannel, ChannelRecord>();

  opened(transport: Transport | null, channel: SSHChannel, type: string, initiator: Initiator, data: BytesLike): void {
    const forwarding = forwardingOf(type, data);
    const openedAt = now(transport);
    this.#records.set(channel, { type, initiator, openedAt, forwarding, program: null });
    report(transport, "ssh.channel.opened", { "ssh.channel.id": channel.id!, ...about(type, initiator) });
    if (forwarding !== null) report(transport, "ssh.forwarding.opened", forwarding);
  }

  /** The client asked for a channel and gets none. */
  refused(transport: Transport | null, type: string, data: Buffer, reason: string): void {
    report(transport, "ssh.channel.refused", { "ssh.channel.reason": plain(reason), ...about(type, "client") });
    const forwarding = forwardingOf(type, data);
    if (forwarding !== null) report(transport, "ssh.forwarding.refused", forwarding);
  }

  closed(transport: Transport | null, channel: SSHChannel): void {
    const record = this.#records.get(channel);
    if (record === undefined) return;
    this.#records.delete(channel);
    const { type, initiator, openedAt, forwarding, program } = record;
    if (program?.startedAt != null) {
      report(transport, "ssh.session.ended", {
        "ssh.session.status": program.status,
        "ssh.session.signal": program.signal,
        "ssh.session.duration": now(transport) - program.startedAt,
        ...program.fields,
      });
    }
    if (forwarding !== null) report(transport, "ssh.forwarding.closed", forwarding);
    report(transport, "ssh.channel.closed", {
      "ssh.channel.id": channel.id!,
      "ssh.channel.duration": now(transport) - openedAt,
      ...about(type, initiator),
    });
  }

  /** A request that may start a program; how it ends may be told before its reply is. */
  asked(channel: SSHChannel, request: string, data: Buffer): void {
    const record = this.#records.get(channel);
    if (record?.program !== null || record.type !== "session" || !KINDS.has(request)) return;
    const fields: SessionFields = {
      "ssh.channel.id": channel.id!,
      "ssh.session.kind": request as SessionFields["ssh.session.kind"],
      "ssh.subsystem.name": request === "subsystem" ? nameOf(data) : null,
    };
    record.program = { fields, startedAt: null, status: null, signal: null };
  }

  answered(transport: Transport | null, channel: SSHChannel, request: string, success: boolean): void {
    if (!KINDS.has(request)) return;
    const record = this.#records.get(channel);
    if (record?.program?.startedAt !== null) return; // nothing was asked, or it runs already
    const { program } = record;
    if (success) {
      program.startedAt = now(transport);
      report(transport, "ssh.session.started", program.fields);
    } else record.program = null;
  }

  /** What the server tells of the program's end. */
  sent(channel: SSHChannel, request: string, data: BytesLike): void {
    if (request !== "exit-status" && request !== "exit-signal") return;
    const program = this.#records.get(channel)?.program;
    if (program == null) return;
    const body = toBuffer(data);
    if (request === "exit-status" && body.length === 4) program.status = body.readUInt32BE(0);
    else if (request === "exit-signal") program.signal = read(() => plain(ExitSignal.decode(body).signal));
  }
}

/** How a request to listen is told; null for another request. */
export function listeningOf(request: string, data: Buffer): EventFields["ssh.forwarding.refused"] | null {
  if (request === "tcpip-forward") {
    const at = read(() => TCPListen.decode(data));
    return forwarding(request, at?.host ?? null, at?.port ?? null);
  }
  if (request === "streamlocal-forward@openssh.com")
    return forwarding(
      request,
      read(() => StreamlocalListen.decode(data).path),
      null,
    );
  return null;
}

export function forwarding(kind: string, address: string | null, port: number | null): ForwardingFields {
  return {
    "ssh.forwarding.kind": kind,
    "ssh.forwarding.address": address === null ? null : plain(address),
    "ssh.forwarding.port": port,
  };
}

function about(type: string, initiator: Initiator) {
  return { "ssh.channel.type": plain(type), "ssh.channel.initiator": initiator } as const;
}

function forwardingOf(type: string, data: BytesLike): ForwardingFields | null {
  if (!FORWARDING.has(type)) return null;
  const body = toBuffer(data);
  if (type === "direct-tcpip" || type === "forwarded-tcpip") {
    const to = read(() => TCPChannel.decode(body));
    return forwarding(type, to?.host ?? null, to?.port ?? null);
  }
  if (type === "direct-streamlocal@openssh.com") {
    return forwarding(
      type,
      read(() => DirectStreamlocal.decode(body).path),
      null,
    );
  }
  return forwarding(type, null, null);
}

function nameOf(data: Buffer): string | null {
  return read(() => plain(Subsystem.decode(data).name));
}

/** What cannot be read is not told. */
function read<T>(decode: () => T): T | null {
  try {
    return decode();
  } catch {
    return null;
  }
}

function now(transport: Transport | null): number {
  return transport?.clock?.seconds() ?? 0;
}
