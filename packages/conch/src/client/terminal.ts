/** The terminal that the process has, for questions (/dev/tty). */
import { openSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { EOFError } from "@strombus/reactor/exceptions";
import { Questioner } from "../scripts/questioner.js";
import { type Console, ConsoleUI } from "./console.js";

/** @throws SystemError for a process without a terminal. */
export function openTerminal(path = "/dev/tty"): Console {
  const fd = openSync(path, "r+");
  const input = new ReadStream(fd);
  const write = (text: string): unknown => writeSync(fd, text);
  const questioner = new Questioner(input, { write });
  return {
    write,
    readline: async () => {
      try {
        return `${await questioner.ask("")}\n`;
      } catch (error) {
        if (error instanceof EOFError) return "";
        throw error;
      }
    },
    close: () => input.destroy(),
  };
}

/** Asks on the terminal; without one every question is answered no. */
export function terminalUI(path = "/dev/tty"): ConsoleUI {
  return new ConsoleUI(() => {
    try {
      return openTerminal(path);
    } catch {
      return NOBODY;
    }
  });
}

const NOBODY: Console = { write() {}, readline: () => "no\n", close() {} };
