/** The program of docs/processes.md. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reactor } from "@strombus/reactor";
import { Deferred } from "@strombus/reactor/defer";
import { ProcessDone } from "@strombus/reactor/error";
import type { Failure } from "@strombus/reactor/failure";
import { ProcessProtocol } from "@strombus/reactor/protocol";
import { getProcessOutput, getProcessOutputAndValue } from "@strombus/reactor/utils";
import { expect, test } from "vitest";

class Sorting extends ProcessProtocol {
  readonly ended = new Deferred<string>();
  #output = "";

  override connectionMade() {
    this.transport?.write("b\na\n");
    this.transport?.closeStdin();
  }

  override outReceived(data: Buffer) {
    this.#output += data.toString();
  }

  override processEnded(reason: Failure) {
    if (reason.check(ProcessDone) !== null) this.ended.callback(this.#output);
    else this.ended.errback(reason);
  }
}

test("a program is given its input, and gives its output", async () => {
  const sorting = new Sorting();
  reactor.spawnProcess(sorting, "sort", ["sort", "-r"], { env: { LC_ALL: "C" } });
  expect(await sorting.ended).toBe("b\na\n");
});

test("programs of which only the output is wanted", async () => {
  const folder = mkdtempSync(join(tmpdir(), "strombus-docs-"));
  writeFileSync(join(folder, "file"), "");
  const listing = await getProcessOutput("ls", { args: ["-1", folder], env: null });
  const [output, errors, code] = await getProcessOutputAndValue("wc", {
    args: ["-l"],
    env: null,
    stdinBytes: "a\nb\n",
  });
  expect([listing, output, errors].map(String)).toEqual(["file\n", "2\n", ""]);
  expect(code).toBe(0);
  rmSync(folder, { recursive: true });
});
