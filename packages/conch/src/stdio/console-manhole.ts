/** A manhole at the terminal of the process. */
import { reactor } from "@strombus/reactor";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { ColoredManhole } from "../manhole/colored.js";
import { stop } from "./stop.js";

/** Its end stops the reactor. */
export class ConsoleManhole extends ColoredManhole {
  override connectionLost(): MaybeAsync {
    const lost = super.connectionLost();
    stop(reactor);
    return lost;
  }
}
