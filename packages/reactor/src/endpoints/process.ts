/** A program as the other end of a connection: its output is what is received, its input what is written. */
import { PipeAddress } from "../address.js";
import { implementer } from "../components.js";
import { type Deferred, execute } from "../defer.js";
import { ConnectionDone, NoProtocol, ProcessDone } from "../error.js";
import { Failure } from "../failure.js";
import {
  type IProcessProtocol,
  type IProcessTransport,
  type IProtocol,
  type IProtocolFactory,
  IStreamClientEndpoint,
  type MaybeAsync,
} from "../interfaces.js";
import { Logger } from "../logger.js";
import { ProcessProtocol } from "../protocol.js";

const log = new Logger({ namespace: "strombus.endpoints" });

/** What becomes of what the program writes to its error output. */
export enum StandardErrorBehavior {
  LOG,
  DROP,
}

export interface ProcessOptions {
  /** Null is this process's own. Default: empty. */
  env?: Readonly<Record<string, string>> | null;
  /** The folder it runs in. */
  path?: string | null;
  uid?: number | null;
  gid?: number | null;
  usePTY?: boolean;
  childFDs?: Readonly<Record<number, number | "r" | "w">> | null;
}

export interface ProcessEndpointOptions extends ProcessOptions {
  /** With the program's own name for itself as the first. Default none. */
  args?: readonly string[];
  /** Default LOG. */
  errFlag?: StandardErrorBehavior;
}

/** What it needs of a reactor. */
export interface SpawningReactor {
  spawnProcess(
    protocol: IProcessProtocol,
    executable: string,
    args: readonly string[],
    options: ProcessOptions,
  ): unknown;
}

/** Connects to a program that it starts: the protocol writes its input and receives its output. */
@implementer(IStreamClientEndpoint)
export class ProcessEndpoint implements IStreamClientEndpoint {
  readonly #reactor: SpawningReactor;
  readonly #executable: string;
  readonly #args: readonly string[];
  readonly #errFlag: StandardErrorBehavior;
  readonly #options: ProcessOptions;

  constructor(
    reactor: SpawningReactor,
    executable: string,
    { args = [], errFlag = StandardErrorBehavior.LOG, ...options }: ProcessEndpointOptions = {},
  ) {
    this.#reactor = reactor;
    this.#executable = executable;
    this.#args = args;
    this.#errFlag = errFlag;
    this.#options = options;
  }

  /** Starts the program now. Fails when it cannot be started. */
  connect(factory: IProtocolFactory): Deferred<IProtocol> {
    return execute(() => {
      const protocol = factory.buildProtocol(new PipeAddress());
      if (protocol === null) throw new NoProtocol();
      const child = new WrappedProcess(protocol, this.#executable, this.#errFlag);
      this.#reactor.spawnProcess(child, this.#executable, this.#args, this.#options);
      return protocol;
    });
  }
}

/** The protocol of the process, which passes on what a stream has. */
class WrappedProcess extends ProcessProtocol {
  readonly #protocol: IProtocol;
  readonly #executable: string;
  readonly #errFlag: StandardErrorBehavior;

  constructor(protocol: IProtocol, executable: string, errFlag: StandardErrorBehavior) {
    super();
    this.#protocol = protocol;
    this.#executable = executable;
    this.#errFlag = errFlag;
  }

  override makeConnection(process: IProcessTransport): MaybeAsync {
    this.transport = process;
    return this.#protocol.makeConnection(process);
  }

  override outReceived(data: Buffer): MaybeAsync {
    return this.#protocol.dataReceived(data);
  }

  override errReceived(data: Buffer): void {
    if (this.#errFlag === StandardErrorBehavior.DROP) return;
    log.info("{executable} says on its error output: {data}", { executable: this.#executable, data: data.toString() });
  }

  override processEnded(reason: Failure): MaybeAsync {
    const clean = reason.check(ProcessDone) !== null;
    return this.#protocol.connectionLost(clean ? new Failure(new ConnectionDone()) : reason);
  }
}
