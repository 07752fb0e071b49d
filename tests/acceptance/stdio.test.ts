/** Terminal protocols on the terminal of a process, whose mode is what it was whichever way the program ends. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { atTerminal } from "../support/program.js";

/** Runs code at a terminal, and tells its status and the terminal's mode then. */
function run(code: string) {
  const node = `"$0" --input-type=module --eval "$1"; echo "status $?"; stty -a`;
  const cwd = join(root, "tests");
  return atTerminal(["sh", "-c", node, process.execPath, code], { cwd });
}

const PROTOCOL = `
  import { TerminalProtocol } from "@strombus/conch/insults/insults";
  import { runWithProtocol } from "@strombus/conch/stdio";
  class Keys extends TerminalProtocol {
    keystrokeReceived(keyID) {
      if (keyID === "q") this.terminal.loseConnection();
      else if (keyID === "t") throw new Error("thrown at once");
      else if (keyID === "u") setImmediate(() => { throw new Error("uncaught"); });
      else if (keyID === "x") process.exit(3);
      else if ("HT".includes(keyID)) process.kill(process.pid, keyID === "H" ? "SIGHUP" : "SIGTERM");
      else this.terminal.write("key " + JSON.stringify(keyID) + " ");
    }
    terminalSize(width, height) {
      this.terminal.write("size " + width + "x" + height + " ");
    }
  }
  await runWithProtocol(Keys);
`;

const HUNG_UP = 129; // as a shell has it

test.each([
  ["q", 0],
  ["t", 0],
  ["u", 1],
  ["x", 3],
  ["H", HUNG_UP],
  ["T", 0],
])("the mode is restored when %j ends the program", async (key, status) => {
  const program = run(PROTOCOL);
  await program.stdout.until("size 100x30 ");
  program.type("\x03");
  await program.stdout.until('key "\\u0003" ');
  program.type(key);
  await program.stdout.until(`status ${status}\r\n`);
  await program.stdout.until(/ icanon [^]* echo /);
  expect((await program.ending).status).toBe(0);
});

test("a manhole is at the terminal, and what it logs is in child.log", async () => {
  const folder = JSON.stringify(temporaryFolder());
  const program = run(
    `process.chdir(${folder}); const { main } = await import("@strombus/conch/stdio"); await main([]);`,
  );
  await program.stdout.until(">>> ");
  program.type("require('fs').readdirSync('.')\r");
  await program.stdout.until("child.log");
  program.type("\x04");
  await program.stdout.until("status 0\r\n");
  expect((await program.ending).status).toBe(0);
});
