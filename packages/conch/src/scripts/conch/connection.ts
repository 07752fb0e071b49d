/** The connection of conch, and what it forwards. */
import { openAgentForwarding } from "../../agent/forwarding.js";
import { ConchError } from "../../error.js";
import { forwardLocal, forwardRemote, type Forwarding } from "../../forwarding/client.js";
import type { SSHChannel } from "../../ssh/channel.js";
import { SSHConnection as Connection } from "../../ssh/connection.js";
import { sentenceOf } from "../exit.js";
import type { ClientOptions } from "./options.js";

/** Where neither says otherwise, only the machine itself can connect to what is forwarded. */
const [HERE, THERE] = ["127.0.0.1", "localhost"];

/** A connection that forwards the ports that the options name, and the agent. */
export class SSHConnection extends Connection {
  /** Settles when it has ended. */
  readonly lost: Promise<void>;
  /** The server's way to the agent, which is there for who has asked for it. */
  declare readonly channel_auth_agent_openssh_com?: typeof openAgentForwarding;
  #end!: () => void;
  #emptied = (): void => {};

  constructor(options: ClientOptions) {
    super();
    this.lost = new Promise((resolve) => (this.#end = resolve));
    if (options.isSet("agent")) this.channel_auth_agent_openssh_com = openAgentForwarding;
  }

  override serviceStopped(): void {
    super.serviceStopped();
    this.#end();
  }

  override channelClosed(channel: SSHChannel): void {
    super.channelClosed(channel);
    if (this.channels.size === 0) this.#emptied();
  }

  /** Settles when no channel is open. */
  async whenEmpty(): Promise<void> {
    if (this.channels.size > 0) await new Promise<void>((resolve) => (this.#emptied = resolve));
  }

  /** Forwards what the options say. One that fails is told, and the others go on. */
  async forward(options: ClientOptions, tell: (line: string) => void): Promise<void> {
    const attempt = async (where: string, asked: number, open: () => Forwarding | Promise<Forwarding>) => {
      try {
        const { port } = await open();
        if (asked === 0) tell(`${where} ${port} is forwarded`);
      } catch (error) {
        if (this.stopped) return; // nothing is forwarded any more
        const why = error instanceof ConchError ? "it refuses" : sentenceOf(error);
        tell(`${where} ${asked} is not forwarded: ${why}`);
      }
    };
    await Promise.all([
      ...options.localForwards.map(([port, to]) => attempt("port", port, () => forwardLocal(this, [HERE, port], to))),
      ...options.remoteForwards.map(([port, to]) =>
        attempt("the server's port", port, () => forwardRemote(this, [THERE, port], to)),
      ),
    ]);
  }
}
