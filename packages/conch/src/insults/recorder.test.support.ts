/** Doubles that remember what is called on them. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import type { ClientTerminal, CursorReport } from "./insults.js";
import { TerminalProtocol } from "./insults.js";

export type Call = readonly [name: string, ...args: unknown[]];

/** A terminal: every call is kept, and runs of `write` are joined. */
export function recordedTerminal(calls: Call[], report: CursorReport = [6, 7]): ClientTerminal {
  return new Proxy({} as ClientTerminal, {
    get:
      (_, name: string) =>
      (...args: unknown[]) => {
        const last = calls.at(-1);
        if (name === "reportCursorPosition") return report;
        if (name === "makeConnection" || name === "connectionLost") return undefined;
        if (name !== "write") calls.push([name, ...args]);
        else if (last?.[0] === "write") calls[calls.length - 1] = ["write", `${last[1] as string}${String(args[0])}`];
        else calls.push(["write", String(args[0])]);
        return undefined;
      },
    set: () => true,
  });
}

/** An application: every call is kept. */
export class RecordingProtocol extends TerminalProtocol {
  readonly calls: Call[] = [];

  override connectionMade(): MaybeAsync {
    this.calls.push(["connectionMade"]);
  }
  override keystrokeReceived(keyID: string, modifier: string | null): MaybeAsync {
    this.calls.push(["key", keyID, modifier]);
  }
  override terminalSize(width: number, height: number): MaybeAsync {
    this.calls.push(["size", width, height]);
  }
  override unhandledControlSequence(seq: string): MaybeAsync {
    this.calls.push(["unhandled", seq]);
  }
  override connectionLost(reason: unknown): MaybeAsync {
    this.calls.push(["lost", reason]);
  }
}
