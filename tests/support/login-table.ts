/** Which methods of logging in were seen to work with which clients: a row for a method, a column for a client. */

export class LoginTable {
  readonly #results = new Map<string, Map<string, "FAIL" | "ok">>();

  constructor(readonly clients: readonly string[]) {}

  /** It is going to be tried. */
  expects(method: string, client: string): void {
    const row = this.#results.get(method) ?? new Map<string, "FAIL" | "ok">();
    this.#results.set(method, row.set(client, "FAIL"));
  }

  succeeded(method: string, client: string): void {
    this.#results.get(method)!.set(client, "ok");
  }

  toString(): string {
    const first = Math.max(...[...this.#results.keys()].map((method) => method.length));
    const line = (method: string, cells: readonly string[]) =>
      [`  ${method.padEnd(first)}`, ...cells.map((cell, i) => cell.padEnd(this.clients[i]!.length))]
        .join("  ")
        .trimEnd();
    return [
      "Logins at our server, and who logs in (- where the client has no such method):",
      line("", this.clients),
      ...[...this.#results].map(([method, row]) =>
        line(
          method,
          this.clients.map((client) => row.get(client) ?? "-"),
        ),
      ),
    ].join("\n");
  }
}
