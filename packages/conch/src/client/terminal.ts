/** The terminal that the process has, for questions (/dev/tty). */
import { openSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { EOFError } from "@strombus/reactor/exceptions";
import { Questioner } from "./questioner.js";
import { type Console, ConsoleUI } from "./console.js";

/** Its answers have no newline; they reject with EOFError when none comes any more, and the hidden with SystemExit for Ctrl-C. */
export interface Terminal extends Console {
  ask(prompt: string): Promise<string>;
  askHidden(prompt: string): Promise<string>;
}

/** @throws SystemError for a process without a terminal. */
export function openTerminal(path = "/dev/tty"): Terminal {
  const fd = openSync(path, "r+");
  const input = new ReadStream(fd);
  // Who is no longer waited for has lost the descriptor, whose number may be another file's by now.
  const write = (text: string): unknown => (input.destroyed ? 0 : writeSync(fd, text));
  const questioner = new Questioner(input, { write });
  return {
    write,
    ask: (prompt) => questioner.ask(prompt),
    askHidden: (prompt) => questioner.askHidden(prompt),
    readline: async () => {
      try {
        return `${await questioner.ask("")}\n`;
      } catch (error) {
        if (error instanceof EOFError) return "";
        throw error;
      }
    },
    close: () => {
      if (input.isRaw) input.setRawMode(false);
      input.destroy();
    },
  };
}

/** Asks on the terminal; without one every question is answered no. */
export function terminalUI(path = "/dev/tty"): ConsoleUI {
  return new ConsoleUI(() => terminalOrNull(path) ?? NOBODY);
}

/** Asks on the terminal that the process has, even where its own input comes from elsewhere; else `ownInput` is asked. */
export async function askHiddenOnTerminal(prompt: string, ownInput: Questioner): Promise<string> {
  const terminal = process.stdin.isTTY ? null : terminalOrNull();
  if (terminal === null) return ownInput.askHidden(prompt);
  try {
    return await terminal.askHidden(prompt);
  } finally {
    terminal.close();
  }
}

/** Null for a process without one. */
function terminalOrNull(path?: string): Terminal | null {
  try {
    return openTerminal(path);
  } catch {
    return null;
  }
}

const NOBODY: Console = { write() {}, readline: () => "no\n", close() {} };
