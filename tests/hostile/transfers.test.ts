/** What a hostile server can have a client's program write here: cftp, which gets files by patterns (rule S7). */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type DirectoryEntry, type FileAttributes, ISFTPServer } from "@strombus/conch/interfaces";
import { StdioClient } from "@strombus/conch/scripts/cftp";
import type { SSHConnection } from "@strombus/conch/ssh/connection";
import { FileTransferClient, FileTransferServer } from "@strombus/conch/ssh/filetransfer";
import { SSHSession } from "@strombus/conch/ssh/session";
import { implementer } from "@strombus/reactor/components";
import { EOFError, NotImplementedError } from "@strombus/reactor/exceptions";
import { StringTransport } from "@strombus/reactor/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folder.js";
import { logIn, logOut } from "../support/login.js";
import { serve, type Served } from "../support/server.js";

/** Lists what a test has it list, and has the same content for every name. */
@implementer(ISFTPServer)
class Hostile implements Partial<ISFTPServer> {
  avatar = null;
  names: string[] = [];
  attrs: FileAttributes = { size: 4, permissions: 0o106777 };
  gotVersion = () => ({});
  realPath = () => "/";
  getAttrs = () => this.attrs;
  openDirectory = () => {
    const entries = this.names.map((name): DirectoryEntry => [Buffer.from(name, "latin1"), name, this.attrs]);
    return { [Symbol.iterator]: () => entries.values(), close() {} };
  };
  openFile = () => ({
    close() {},
    getAttrs: () => this.attrs,
    readChunk: (offset: number | bigint) => {
      if (offset > 0) throw new EOFError("the end");
      return Buffer.from("harm");
    },
    writeChunk: () => {
      throw new NotImplementedError("no");
    },
    setAttrs() {},
  });
}

const files = new Hostile();
const open: { server: Served; connection: SSHConnection }[] = [];
let folder = "";
let outside = "";
beforeEach(() => {
  outside = temporaryFolder();
  folder = join(outside, "folder");
});
afterEach(async () => {
  for (const { server, connection } of open.splice(0)) {
    logOut(connection);
    await server.close();
  }
});

/** Gets files into `folder`, and tells what is printed. */
async function get(line: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const server = serve(SSHSession, undefined, (user) => {
    user.subsystemLookup["sftp"] = (data) => new FileTransferServer(data, { avatar: files });
  });
  const connection = await logIn({ port: server.port, user: "user", secret: "password" });
  open.push({ server, connection });
  const commands = new StdioClient(await FileTransferClient.open(connection));
  const transport = new StringTransport();
  const before = process.cwd();
  process.chdir(folder);
  try {
    await commands.makeConnection(transport);
    await commands.dataReceived(Buffer.from(`${line}\n`));
  } finally {
    process.chdir(before);
  }
  return transport.value().toString();
}

describe("files that are got by a pattern", () => {
  test("S7: CVE-2026-0964: have no name that leads out of the folder", async () => {
    files.names = ["../escaped", "..", "dir/../../escaped", join(outside, "escaped"), "nul\0", "tab\tname", "kept"];
    await get("get *");
    expect(readdirSync(folder)).toEqual(["kept"]);
    expect(readdirSync(outside)).toEqual(["folder"]);
    expect(existsSync(join(dirname(outside), "escaped"))).toBe(false);
  });

  test("S7: CVE-2019-6111: are those that were asked for", async () => {
    files.names = ["wanted.txt", ".bashrc", "unwanted", "wanted.txt\n.bashrc"];
    await get("get wanted*");
    expect(readdirSync(folder)).toEqual(["wanted.txt"]);
  });

  test("S7: CVE-2018-20685, CVE-2026-35385: bring no mode with them, to the folder or to themselves", async () => {
    files.names = [".", "", "file"];
    mkdirSync(folder, { mode: 0o750 });
    await get("get *");
    expect(readdirSync(folder)).toEqual(["file"]);
    expect(statSync(folder).mode & 0o7777).toBe(0o750);
    expect(statSync(join(folder, "file")).mode & 0o7111).toBe(0);
  });

  test("S7: are shown harmless, by name and by what is listed of them", async () => {
    files.names = ["\x1b[2Jname", "\x9b2Jname"];
    const printed = await get("ls -l");
    expect(/[\x1b\x9b]/.test(printed.replaceAll("\r", ""))).toBe(false);
  });

  test("one that is asked for by its name is written under that name", async () => {
    writeFileSync(join(outside, "untouched"), "mine");
    await get("get ../untouched");
    expect(readdirSync(folder)).toEqual(["untouched"]);
    expect(readFileSync(join(outside, "untouched"), "utf8")).toBe("mine");
  });
});
