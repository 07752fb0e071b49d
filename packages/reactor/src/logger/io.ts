/** LoggingFile: a file whose lines become log events (twisted.logger). */
import { StringDecoder } from "node:string_decoder";
import { ValueError } from "../exceptions.js";
import { LogLevel, type LogLevelConstant } from "./levels.js";
import type { Logger } from "./logger.js";

/** Logs each line written to it, as the field `log_io`; the start of a line waits for the rest. */
export class LoggingFile {
  readonly log: Logger;
  readonly level: LogLevelConstant;
  readonly #decoder = new StringDecoder("utf8");
  #line = "";
  #closed = false;

  constructor({ logger, level = LogLevel.info }: { logger: Logger; level?: LogLevelConstant }) {
    this.log = logger;
    this.level = level;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
  }

  flush(): void {}

  /** Text or UTF-8. @throws ValueError when closed. */
  write(data: string | Uint8Array): boolean {
    if (this.#closed) throw new ValueError("the file is closed");
    const lines = (this.#line + (typeof data === "string" ? data : this.#decoder.write(data))).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.log.emit(this.level, "{log_io}", { log_io: line });
    return true;
  }

  writelines(lines: Iterable<string | Uint8Array>): void {
    for (const line of lines) this.write(line);
  }
}
