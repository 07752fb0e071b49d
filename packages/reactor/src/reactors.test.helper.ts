/** Both reactors, for the tests that say what every reactor does. */
import { NodeReactor } from "./reactor.js";
import { SimulatedReactor } from "./testing/simulated/reactor.js";

export type AnyReactor = NodeReactor | SimulatedReactor;

export const reactors: readonly (readonly [name: string, make: () => AnyReactor])[] = [
  ["on Node's sockets", () => new NodeReactor()],
  ["in memory", () => new SimulatedReactor()],
];

/** Resolves when so many seconds have passed on the reactor's clock: an in-memory one's are turned on. */
export async function pass(reactor: AnyReactor, seconds: number): Promise<void> {
  const passed = new Promise<void>((resolve) => void reactor.callLater(seconds, resolve));
  if (reactor instanceof SimulatedReactor) reactor.advance(seconds);
  await passed;
}
