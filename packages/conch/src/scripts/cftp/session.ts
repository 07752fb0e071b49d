/** The session in which cftp has its files. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { EXTENDED_DATA_STDERR } from "../../channel/numbers.js";
import { Exec, Subsystem } from "../../messages/connection.js";
import { TransferChannel } from "../../sftp/channel.js";
import { FileTransferClient } from "../../sftp/client.js";
import type { SSHConnection } from "../../ssh/connection.js";
import { decoded, shownLines } from "../../client/shown.js";

export interface SessionOptions {
  /** The subsystem; with a slash in front, the path of a program. */
  readonly subsystem: string;
  /** Gets what the server's program complains of, escaped. */
  readonly stderr: { write(text: string): unknown };
}

/** Knows the user's side as well: that ends with it. */
export class SSHSession extends TransferChannel {
  /** The user's side, when there is one. */
  stdio: { loseWriteConnection(): void } | null = null;
  /** Settles when the channel is closed. */
  readonly ended: Promise<void>;
  readonly #stderr: SessionOptions["stderr"];
  #end: () => void = () => {};

  constructor(client: FileTransferClient, stderr: SessionOptions["stderr"] = process.stderr) {
    super(client);
    this.#stderr = stderr;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  override extReceived(dataType: number, data: Buffer): MaybeAsync {
    if (dataType === EXTENDED_DATA_STDERR) this.#stderr.write(shownLines(decoded(data)));
  }

  override eofReceived(): MaybeAsync {
    this.stdio?.loseWriteConnection();
    return super.eofReceived();
  }

  override closed(): MaybeAsync {
    this.#end();
    return super.closed();
  }
}

/** @returns rejected when the server refuses it, or is gone before it has answered */
export async function openSession(
  conn: SSHConnection,
  { subsystem, stderr }: SessionOptions,
): Promise<{ readonly client: FileTransferClient; readonly session: SSHSession }> {
  const client = new FileTransferClient();
  const session = await conn.openChannel(new SSHSession(client, stderr));
  try {
    if (subsystem.startsWith("/")) await conn.sendRequest(session, "exec", Exec.encode({ command: subsystem }), true);
    else await conn.sendRequest(session, "subsystem", Subsystem.encode({ name: subsystem }), true);
    await client.greet(session);
  } catch (error) {
    session.loseConnection();
    throw error;
  }
  return { client, session };
}
