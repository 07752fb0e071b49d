/** The programs of docs/sftp.md: files that are none, and a client that asks for them. */
import { ConchUser } from "@strombus/conch/avatar";
import { type DirectoryEntry, type FileAttributes, ISFTPServer } from "@strombus/conch/interfaces";
import { lsLine } from "@strombus/conch/ls";
import type { SSHConnection } from "@strombus/conch/ssh/connection";
import {
  type ClientFile,
  FileTransferClient,
  FileTransferServer,
  FX_NO_SUCH_FILE,
  FX_PERMISSION_DENIED,
  FXF_CREAT,
  FXF_READ,
  FXF_TRUNC,
  FXF_WRITE,
  SFTPError,
} from "@strombus/conch/ssh/filetransfer";
import { SSHSession } from "@strombus/conch/ssh/session";
import { implementer, registerAdapter } from "@strombus/reactor/components";
import { EOFError } from "@strombus/reactor/exceptions";
import { expect, test } from "vitest";
import { connectionTo } from "./in-memory.js";

const REPORTS = new Map([
  ["monday.txt", "all is well"],
  ["tuesday.txt", "rain"],
]);

function attributesOf(name: string): FileAttributes {
  const report = REPORTS.get(name);
  if (report === undefined) throw new SFTPError(FX_NO_SUCH_FILE, "there is no such report");
  return { size: Buffer.byteLength(report), permissions: 0o100444 };
}

@implementer(ISFTPServer)
class Reports implements ISFTPServer {
  constructor(readonly avatar: ConchUser) {}

  gotVersion() {
    return {};
  }

  realPath(path: Buffer) {
    return path.toString() === "." ? "/" : path;
  }

  getAttrs(path: Buffer): FileAttributes {
    if (path.toString() === "/") return { permissions: 0o040555 };
    return attributesOf(path.subarray(1).toString());
  }

  openDirectory() {
    const entries = [...REPORTS.keys()].map((name): DirectoryEntry => {
      const attrs = attributesOf(name);
      const stat = { st_mode: 0o100444, st_nlink: 1, st_uid: 0, st_gid: 0, st_size: Number(attrs.size), st_mtime: 0 };
      return [name, lsLine(name, stat), attrs];
    });
    return { [Symbol.iterator]: () => entries.values(), close() {} };
  }

  openFile(filename: Buffer, flags: number) {
    if (flags !== FXF_READ) refuse();
    const name = filename.subarray(1).toString();
    const attrs = attributesOf(name);
    const report = Buffer.from(REPORTS.get(name)!);
    return {
      readChunk: (offset: number | bigint, length: number) => report.subarray(Number(offset), Number(offset) + length), // empty at the end
      getAttrs: () => attrs,
      writeChunk: refuse,
      setAttrs: refuse,
      close() {},
    };
  }

  removeFile = refuse;
  renameFile = refuse;
  makeDirectory = refuse;
  removeDirectory = refuse;
  setAttrs = refuse;
  readLink = refuse;
  makeLink = refuse;
  extendedRequest = refuse;
}

function refuse(): never {
  throw new SFTPError(FX_PERMISSION_DENIED, "reports are to be read");
}

class Reader extends ConchUser {
  constructor() {
    super();
    this.channelLookup["session"] = SSHSession;
    this.subsystemLookup["sftp"] = FileTransferServer;
  }
}
registerAdapter((user: Reader) => new Reports(user), Reader, ISFTPServer);

async function readAll(file: ClientFile): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for (let length = 0; ; length += chunks.at(-1)!.length) chunks.push(await file.readChunk(length, 32_768));
  } catch (error) {
    if (!(error instanceof EOFError)) throw error;
  }
  return Buffer.concat(chunks);
}

async function reportsOf(conn: SSHConnection): Promise<Record<string, string>> {
  await using sftp = await FileTransferClient.open(conn);
  const directory = await sftp.openDirectory("/");
  const reports: Record<string, string> = {};
  for await (const [name] of directory) {
    const file = await sftp.openFile(`/${name.toString()}`, FXF_READ, {});
    reports[name.toString()] = (await readAll(file)).toString();
    await file.close();
  }
  await directory.close();
  return reports;
}

test("a client reads what a server of its own kind has", async () => {
  const conn = await connectionTo(new Reader());
  expect(await reportsOf(conn)).toEqual(Object.fromEntries(REPORTS));
  await using sftp = await FileTransferClient.open(conn);
  const writing = sftp.openFile("/monday.txt", FXF_WRITE | FXF_CREAT | FXF_TRUNC, {});
  await expect(writing).rejects.toEqual(new SFTPError(FX_PERMISSION_DENIED, "reports are to be read"));
  await expect(sftp.getAttrs("/friday.txt")).rejects.toMatchObject({ code: FX_NO_SUCH_FILE });
  expect(await sftp.realPath(".")).toBe("/");
  conn.transport!.loseConnection();
});
