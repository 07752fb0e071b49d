/** Closing never overtakes data: what was written before loseConnection() arrives, and the exit status with it. */
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { getNS } from "@strombus/conch/ssh/common";
import { afterAll, expect, test } from "vitest";
import { root } from "../support/example.js";
import { openSSH, ssh } from "../support/openssh.js";
import { Program } from "../support/program.js";
import { serve } from "../support/server.js";

const MIB = 2 ** 20;
const content = randomBytes(100 * MIB);
const openssh = openSSH();

/** Writes all of the content at once, far more than any window, and ends; `eof` has it end its data first. */
class Download extends SSHChannel {
  override name = "session";

  request_exec(data: Buffer) {
    const [command] = getNS(data);
    this.write(content);
    if (command.toString() === "eof") this.conn?.sendEOF(this);
    this.conn?.sendRequest(this, "exit-status", Buffer.of(0, 0, 0, 7));
    this.loseConnection();
    return true;
  }
}

const server = serve(Download);
afterAll(() => server.close());

for (const command of ["close", "eof"]) {
  test(`100 MiB and then ${command}: all of it arrives, with its exit status`, async () => {
    const download = ssh(openssh, { port: server.port, command });
    expect(await download.ending).toEqual({ status: 7, signal: null });
    const received = Buffer.from(download.stdout.text, "latin1");
    expect(received.length).toBe(content.length);
    expect(sha256(received)).toBe(sha256(content));
  }, 60_000);
}

test("npm run transfer, in small: both ways, with readers that rest, keys that change, and memory that is bounded", async () => {
  const [peer] = openssh.prefix;
  const command = [process.execPath, join(root, "tests/dist/transfer/run.js"), "8", "both"];
  const run = new Program(command, { env: peer === undefined ? {} : { STROMBUS_PEER: peer } });
  const { status } = await run.ending;
  expect({ status, errors: run.stderr.text }).toEqual({ status: 0, errors: "" });
  expect(run.stdout.lines.filter((line) => /^(OpenSSH|ours) +both /.test(line))).toHaveLength(2);
}, 60_000);

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
