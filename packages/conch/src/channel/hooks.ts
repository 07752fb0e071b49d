/** Calls into applications: what fails there, now or later, is logged and ends its channel, and nothing else (R1). */
import { Failure } from "@strombus/reactor/failure";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { peerLog } from "../peer-log.js";
import type { SSHChannel } from "../ssh/channel.js";
import { isLater, settle } from "./later.js";

const log = new Logger({ namespace: "strombus.conch.ssh.channel" });

/** Where the channels are. */
interface Connection {
  readonly channelsToRemoteChannel: ReadonlyMap<SSHChannel, number>;
  sendClose(channel: SSHChannel): void;
}

export function guard(connection: Connection, channel: SSHChannel, hook: () => MaybeAsync): void {
  try {
    const result: unknown = hook();
    if (result !== undefined) watch(connection, channel, result);
  } catch (error) {
    hookFailed(connection, channel, error);
  }
}

/** The result of a hook may be a promise. */
export function watch(connection: Connection, channel: SSHChannel, result: unknown): void {
  if (!isLater(result)) return;
  settle(
    () => result,
    () => undefined,
    (error) => hookFailed(connection, channel, error),
  );
}

export function hookFailed(connection: Connection, channel: SSHChannel, error: unknown): void {
  logFailure(channel, error);
  if (connection.channelsToRemoteChannel.has(channel)) connection.sendClose(channel);
}

export function logFailure(channel: SSHChannel, error: unknown): void {
  peerLog(log, channel.conn?.transport).failure("{channel} failed", new Failure(error), {
    channel: channel.logPrefix(),
  });
}
