/** The session in which a client of ours has SFTP. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { SSHChannel } from "../ssh/channel.js";
import type { FileTransferClient } from "./client.js";

export class TransferChannel extends SSHChannel {
  override name = "session";
  readonly #client: FileTransferClient;

  constructor(client: FileTransferClient) {
    super();
    this.#client = client;
  }

  /** Whoever has asked for the channel is told. */
  override openFailed(): MaybeAsync {}

  override dataReceived(data: Buffer): MaybeAsync {
    return this.#client.dataReceived(data);
  }

  override eofReceived(): MaybeAsync {
    this.loseConnection();
  }

  override closed(): MaybeAsync {
    return this.#client.connectionLost();
  }
}
