/** Where a connection holds its user to what they may do: every channel, request and global request goes through here. */
import { ConchError } from "../error.js";
import { Exec, Subsystem } from "../messages/connection.js";
import type { Permissions } from "../permissions.js";
import { OPEN_ADMINISTRATIVELY_PROHIBITED } from "../channel/numbers.js";
import { Reader } from "../wire/reader.js";

/** A request on a channel, as its handler gets it. */
export type Request = readonly [type: string, data: Buffer];

const originals = new WeakMap<object, Buffer>();

/**
 * What the client asked to run where the forced command ran instead: a command, or the name of a subsystem. Null when no
 * command is forced, or a shell was asked for. OpenSSH hands it on as SSH_ORIGINAL_COMMAND.
 */
export function originalCommandOf(channel: object): Buffer | null {
  return originals.get(channel) ?? null;
}

/** @throws ConchError when the user may not open a channel of this type to there. */
export function admitChannel(may: Permissions, type: string, data: Buffer): void {
  if (!mayOpen(may, type, data)) throw new ConchError("forwarding is not permitted", OPEN_ADMINISTRATIVELY_PROHIBITED);
}

/** Whether the user may make this global request. */
export function admitsGlobalRequest(may: Permissions, type: string, data: Buffer): boolean {
  switch (type) {
    case "tcpip-forward": {
      const from = new Reader(data);
      return may.mayListen(from.text(), from.uint32());
    }
    case "streamlocal-forward@openssh.com":
      return may.mayListenLocally;
    default:
      return true;
  }
}

/** The request that the channel gets in place of this one; null refuses it. */
export function admitRequest(may: Permissions, channel: object, request: Request): Request | null {
  const [type, data] = request;
  switch (type) {
    case "pty-req":
      return may.pty ? request : null;
    case "auth-agent-req@openssh.com":
      return may.agentForwarding ? request : null;
    case "x11-req":
      return may.x11Forwarding ? request : null;
    case "shell":
    case "exec":
    case "subsystem":
      if (may.command === null) return request;
      if (type === "exec") originals.set(channel, Buffer.from(Exec.decode(data).command));
      if (type === "subsystem") originals.set(channel, Buffer.from(Subsystem.decode(data).name));
      return forced(may.command);
    default:
      return request;
  }
}

function mayOpen(may: Permissions, type: string, data: Buffer): boolean {
  switch (type) {
    case "direct-tcpip": {
      if (may.mayConnectLocally) return true; // anywhere: a place that cannot be read is for the channel's type to refuse
      const from = new Reader(data);
      return may.mayConnect(from.text(), from.uint32());
    }
    case "direct-streamlocal@openssh.com":
      return may.mayConnectLocally;
    case "tun@openssh.com":
      return may.portForwarding;
    default:
      return true;
  }
}

/** As OpenSSH has it, `internal-sftp` is no program but the server's own subsystem. */
function forced(command: string): Request {
  return /^internal-sftp(\s|$)/.test(command)
    ? ["subsystem", Subsystem.encode({ name: "sftp" })]
    : ["exec", Exec.encode({ command })];
}
