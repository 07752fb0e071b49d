/** Protocols with a method for each state (twisted.protocols.basic). */
import type { MaybeAsync } from "../../interfaces.js";
import { logRejection } from "../../logged-calls.js";
import { Logger } from "../../logger.js";
import type { Protocol } from "../../protocol.js";

const log = new Logger({ namespace: "strombus.protocols.basic" });

type ProtocolClass<P extends Protocol> = abstract new (...args: never[]) => P;

/** What the mixin adds. */
export interface StatefulString {
  /** Where the protocol stands; "init" at first. */
  state: string;
  stringReceived(string: Buffer): MaybeAsync;
}

/**
 * Makes a receiver of strings stateful: each string goes to the method `proto_<state>`, which returns the next state;
 * "done" closes the connection.
 *
 * ```ts
 * class Greeting extends StatefulStringProtocol(Int32StringReceiver) {
 *   proto_init(name: Buffer) {
 *     this.sendString(`hello ${name.toString()}`);
 *     return "done";
 *   }
 * }
 * ```
 */
export function StatefulStringProtocol<B extends ProtocolClass<Protocol>>(
  Base: B,
): new () => InstanceType<B> & StatefulString {
  abstract class Stateful extends (Base as unknown as new (...args: unknown[]) => Protocol) implements StatefulString {
    state = "init";

    stringReceived(string: Buffer): void {
      const method: unknown = Reflect.get(this, `proto_${this.state}`);
      if (typeof method !== "function") {
        log.warn("{protocol} has no proto_{state}", { protocol: this.logPrefix(), state: this.state });
        return;
      }
      const state: unknown = method.call(this, string);
      logRejection(log, state); // whatever comes of it, it is no state
      if (typeof state !== "string") throw new TypeError(`proto_${this.state} returned no state`);
      this.state = state;
      if (this.state === "done") this.transport?.loseConnection();
    }
  }
  return Stateful as unknown as new () => InstanceType<B> & StatefulString;
}
