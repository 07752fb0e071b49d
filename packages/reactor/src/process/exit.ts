/** How processes end, and signals by name and number. */
import { constants } from "node:os";
import { ProcessDone, ProcessTerminated } from "../error.js";
import { ValueError } from "../exceptions.js";
import { Failure } from "../failure.js";

/** What `processEnded` is told. Node does not give the raw status: it is made of the code or the signal, as wait(2) has it. */
export function exitReason(exitCode: number | null, signal: number | null): Failure {
  if (signal !== null) return new Failure(new ProcessTerminated(null, signal, signal));
  const code = exitCode ?? 0;
  return new Failure(code === 0 ? new ProcessDone(0) : new ProcessTerminated(code, null, code << 8));
}

/** The number of a signal given by number or by name, with SIG or without. @throws ValueError for one that is none */
export function signalNumber(signal: string | number): number {
  if (typeof signal === "number") {
    if (Number.isInteger(signal) && signal >= 0 && signal < 128) return signal;
    throw new ValueError(`there is no signal ${signal}`);
  }
  const name = signal.startsWith("SIG") ? signal : `SIG${signal}`;
  const number = Object.hasOwn(constants.signals, name) ? constants.signals[name as NodeJS.Signals] : undefined;
  if (number === undefined) throw new ValueError(`there is no signal ${JSON.stringify(signal)}`);
  return number;
}
