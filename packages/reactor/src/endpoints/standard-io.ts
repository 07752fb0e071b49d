/** The process's standard input and output as an endpoint: the one connection of a program that inetd or ssh starts. */
import { PipeAddress } from "../address.js";
import { implementer } from "../components.js";
import { type Deferred, execute } from "../defer.js";
import { NoProtocol } from "../error.js";
import { type IListeningPort, type IProtocolFactory, IStreamServerEndpoint } from "../interfaces.js";
import { StandardIO, type StandardIOOptions } from "../stdio.js";
import type { TransportHost } from "../stream/host.js";

/** Listens on standard input and output, where one protocol is connected at once. */
@implementer(IStreamServerEndpoint)
export class StandardIOEndpoint implements IStreamServerEndpoint {
  readonly #options: StandardIOOptions;

  constructor(reactor: unknown, { stdin, stdout }: Pick<StandardIOOptions, "stdin" | "stdout"> = {}) {
    this.#options = {
      ...(isHost(reactor) ? { reactor } : {}),
      ...(stdin === undefined ? {} : { stdin }),
      ...(stdout === undefined ? {} : { stdout }),
    };
  }

  /** Fires with the StandardIO, which is no port and has nothing to stop. */
  listen(factory: IProtocolFactory): Deferred<IListeningPort> {
    return execute(() => {
      const protocol = factory.buildProtocol(new PipeAddress());
      if (protocol === null) throw new NoProtocol();
      return new StandardIO(protocol, this.#options) as unknown as IListeningPort;
    });
  }
}

function isHost(reactor: unknown): reactor is NonNullable<StandardIOOptions["reactor"]> {
  const { openTransports } = (reactor ?? {}) as Partial<TransportHost>;
  return typeof openTransports?.add === "function";
}
