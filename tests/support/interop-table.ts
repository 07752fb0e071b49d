/** The results of the interop tests: a row for an algorithm, a column for a peer. */
import { KINDS, type Row } from "./interop-algorithms.js";
import { COMMAND, INPUT, STATUS } from "./interop-talk.js";

/** "-" where the peer has no such algorithm. */
export type Result = "ok" | "-" | "FAIL";

/** What came of one login and command. */
export interface Outcome {
  readonly output: string;
  readonly status: number | null;
  /** What the peer, or whoever ran the command, has to say about it. */
  readonly log: string;
}

export class Table {
  readonly #results = new Map<string, Result>();
  readonly #versions = new Map<string, string>();

  constructor(
    readonly title: string,
    readonly rows: readonly Row[],
    readonly columns: readonly string[],
  ) {}

  /** Runs each row that the peer has, one after another. @returns a sentence for each that failed */
  async fill(column: string, has: (row: Row) => boolean, run: (row: Row) => Promise<Outcome>): Promise<string[]> {
    const failures: string[] = [];
    for (const row of this.rows) {
      const flaw = has(row) ? flawOf(await attempt(() => run(row))) : null;
      if (flaw !== null) failures.push(`${row.kind} ${row.name} with ${column}: ${flaw}`);
      this.#results.set(cell(row, column), !has(row) ? "-" : flaw === null ? "ok" : "FAIL");
    }
    return failures;
  }

  /** Tells which release a column is of. */
  isVersion(column: string, version: string): void {
    this.#versions.set(column, version);
  }

  /** Of one column. */
  count(column: string, kind: Row["kind"], result: Result): number {
    return this.rows.filter((row) => row.kind === kind && this.#of(row, column) === result).length;
  }

  /** The rows that went well with nobody. */
  get untried(): string[] {
    return this.rows
      .filter((row) => !this.columns.some((column) => this.#of(row, column) === "ok"))
      .map(({ kind, name }) => `${kind} ${name}`);
  }

  toString(): string {
    const { columns, rows } = this;
    const widths = [Math.max(...rows.map(({ name }) => name.length)), ...columns.map((column) => column.length)];
    const line = (cells: readonly string[]) =>
      `  ${cells.map((cell, index) => cell.padEnd(widths[index]!)).join("  ")}`.trimEnd();
    const results = (row: Row) => columns.map((column) => this.#of(row, column) ?? "");
    const blocks = KINDS.map((kind) => [
      line([kind.toUpperCase(), ...columns]),
      ...rows.filter((row) => row.kind === kind).map((row) => line([row.name, ...results(row)])),
    ]);
    const versions = columns.map((column) => `  ${column}: ${this.#versions.get(column) ?? "never spoke"}`);
    return [this.title, ...[...blocks, versions].map((block) => block.join("\n"))].join("\n\n");
  }

  #of(row: Row, column: string): Result | undefined {
    return this.#results.get(cell(row, column));
  }
}

function cell({ kind, name }: Row, column: string): string {
  return `${kind} ${name} ${column}`;
}

async function attempt(run: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    return { output: "", status: null, log: String(error) };
  }
}

function flawOf({ output, status, log }: Outcome): string | null {
  if (output === INPUT && status === STATUS) return null;
  const got = `${output.length} of ${INPUT.length} characters of ${JSON.stringify(COMMAND)}, status ${status}`;
  return `${got}; ${log.trim().slice(-600)}`;
}
