import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { ConchUser } from "@strombus/conch/avatar";
import { type Connect, run } from "@strombus/conch/scripts/cftp";
import { SFTPServerForFolder } from "@strombus/conch/sftp";
import { FileTransferServer, ISFTPServer } from "@strombus/conch/ssh/filetransfer";
import { SSHSession } from "@strombus/conch/ssh/session";
import { registerAdapter } from "@strombus/reactor/components";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectionTo } from "./in-memory.js";

class Guest extends ConchUser {
  constructor(readonly folder: string) {
    super();
    this.channelLookup["session"] = SSHSession;
    this.subsystemLookup["sftp"] = FileTransferServer;
  }
}
registerAdapter((user: Guest) => new SFTPServerForFolder(user.folder), Guest, ISFTPServer);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "strombus-programs-"));
  mkdirSync(join(folder, "served"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  process.exitCode = 0;
});

async function fetchReport(connect: Connect, into: string): Promise<boolean> {
  await run(["server:monday.txt", into], { connect, stdout: new PassThrough().resume(), stdin: new PassThrough() });
  return process.exitCode === 0;
}

test("cftp on a connection that is there already", async () => {
  writeFileSync(join(folder, "served/monday.txt"), "rain");
  const into = join(folder, "report");
  expect(await fetchReport(() => connectionTo(new Guest(join(folder, "served"))), into)).toBe(true);
  expect(readFileSync(into, "utf8")).toBe("rain");
});
