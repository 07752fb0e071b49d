/** Our SFTP client with other people's servers and our own; Twisted's client with our server. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SFTPServerForFolder } from "@strombus/conch/sftp";
import {
  type ClientFile,
  FileTransferClient,
  FileTransferServer,
  FX_NO_SUCH_FILE,
  FXF_CREAT,
  FXF_READ,
  FXF_TRUNC,
  FXF_WRITE,
  SFTPError,
} from "@strombus/conch/ssh/filetransfer";
import type { SSHConnection } from "@strombus/conch/ssh/connection";
import { NS } from "@strombus/conch/ssh/common";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHSession } from "@strombus/conch/ssh/session";
import { EOFError, NotImplementedError } from "@strombus/reactor/exceptions";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folder.js";
import { exampleFolder, root, startExample } from "../support/example.js";
import { PeerFolder } from "../support/interop-folder.js";
import { SERVERS as PEERS } from "../support/interop-servers.js";
import { type Account, logIn, logOut } from "../support/login.js";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";
import { serve } from "../support/server.js";
import { startSSHD } from "../support/sshd.js";
import { digestOf } from "../support/tcp.js";

const peer = peers();
const large = randomBytes(3 * 2 ** 20 + 1);

interface Running extends Account {
  readonly hasPosixRename: boolean;
  /** Where files may be made. */
  readonly folder: string;
  readonly stop: () => Promise<void>;
}

async function startPython(name: "AsyncSSH" | "Twisted"): Promise<Running> {
  const key = Key.generate("ed25519");
  const server = await PEERS[name]!({ prefix: peer, userKeys: new Map([["ssh-ed25519", key]]) });
  const folder = new PeerFolder(peer);
  const stop = async () => {
    folder.remove();
    await server.stop();
  };
  return {
    port: server.port,
    user: server.user,
    secret: key,
    hasPosixRename: name === "AsyncSSH",
    folder: folder.path,
    stop,
  };
}

async function startOpenSSH(prefix: readonly string[]): Promise<Running> {
  const sshd = await startSSHD(prefix, ["Subsystem sftp internal-sftp"]);
  return { ...sshd, hasPosixRename: true, folder: sshd.folder.path };
}

async function startOurs(): Promise<Running> {
  const { port, program } = await startExample("sftp-server", { folder: exampleFolder() });
  const stop = async () => {
    await program.kill();
  };
  return { port, user: "user", secret: "password", hasPosixRename: true, folder: "", stop };
}

const SERVERS: Readonly<Record<string, () => Promise<Running>>> = {
  "OpenSSH 9.2": () => startOpenSSH([]),
  "OpenSSH 10": () => startOpenSSH(peer),
  AsyncSSH: () => startPython("AsyncSSH"),
  Twisted: () => startPython("Twisted"),
  ours: startOurs,
};

async function readAll(file: ClientFile): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for (let at = 0; ; at += chunks.at(-1)!.length) chunks.push(await file.readChunk(at, 32_768));
  } catch (error) {
    expect(error).toBeInstanceOf(EOFError);
  }
  return Buffer.concat(chunks);
}

for (const [name, start] of Object.entries(SERVERS)) {
  describe(`with the server ${name}`, () => {
    let server: Running;
    let connection: SSHConnection;
    let sftp: FileTransferClient;
    let at: (file: string) => string;
    beforeAll(async () => {
      server = await start();
      connection = await logIn(server);
      sftp = await FileTransferClient.open(connection);
      at = (file) => `${server.folder}/${file}`;
    });
    afterAll(async () => {
      logOut(connection);
      await server.stop();
    });

    test("a file is written, read back, looked at and changed", async () => {
      expect(sftp.version).toBe(3);
      const file = await sftp.openFile(at("large"), FXF_READ | FXF_WRITE | FXF_CREAT | FXF_TRUNC, {
        permissions: 0o640,
      });
      await file.writeChunk(0, large);
      expect(digestOf(await readAll(file))).toBe(digestOf(large));
      expect(await file.getAttrs()).toMatchObject({ size: large.length });
      await file.close();
      await sftp.setAttrs(at("large"), { permissions: 0o600, atime: 1000, mtime: 2000 });
      expect(await sftp.getAttrs(at("large"))).toMatchObject({ permissions: 0o100600, atime: 1000, mtime: 2000 });
      await sftp.renameFile(at("large"), at("renamed"));
      await expect(sftp.getAttrs(at("large"))).rejects.toMatchObject({ code: FX_NO_SUCH_FILE });
      await sftp.removeFile(at("renamed"));
      await expect(sftp.removeFile(at("renamed"))).rejects.toBeInstanceOf(SFTPError);
    });

    test("directories are made, listed and removed", async () => {
      await sftp.makeDirectory(at("dir"), {});
      const making = Array.from({ length: 150 }, async (_, n) => {
        const file = await sftp.openFile(at(`dir/n${n}`), FXF_WRITE | FXF_CREAT, {});
        await file.close();
      });
      await Promise.all(making);
      const directory = await sftp.openDirectory(at("dir"));
      const names: string[] = [];
      for await (const [filename, longname] of directory) {
        names.push(filename.toString());
        expect(longname.toString()).toContain(filename.toString());
      }
      await directory.close();
      expect(names.sort()).toEqual(Array.from({ length: 150 }, (_, n) => `n${n}`).sort());
      await Promise.all(names.map((each) => sftp.removeFile(at(`dir/${each}`))));
      await sftp.removeDirectory(at("dir"));
      await expect(sftp.getAttrs(at("dir"))).rejects.toMatchObject({ code: FX_NO_SUCH_FILE });
    });

    test("a link leads from its path to its target, whatever order the server has them in", async () => {
      await (await sftp.openFile(at("target"), FXF_WRITE | FXF_CREAT, {})).close();
      await sftp.makeLink(at("link"), at("target"));
      expect((await sftp.readLink(at("link"))).endsWith("target")).toBe(true);
      const kind = (attrs: { permissions?: number }) => attrs.permissions! & 0o170000;
      expect([kind(await sftp.getAttrs(at("link"))), kind(await sftp.getAttrs(at("link"), true))]).toEqual([
        0o120000, 0o100000,
      ]);
      expect(await sftp.realPath(at("link"))).toBe(await sftp.realPath(at("target")));
      await sftp.removeFile(at("link"));
      await sftp.removeFile(at("target"));
    });

    test("a success that has no reply of its own is one", async () => {
      const has = server.hasPosixRename;
      await (await sftp.openFile(at("old"), FXF_WRITE | FXF_CREAT, {})).close();
      const renaming = sftp.extendedRequest("posix-rename@openssh.com", Buffer.concat([NS(at("old")), NS(at("new"))]));
      if (has) expect(await renaming).toHaveLength(2);
      else await expect(renaming).rejects.toBeInstanceOf(NotImplementedError);
      await sftp.removeFile(at(has ? "new" : "old"));
    });

    test("what it does not have it says, and goes on", async () => {
      await expect(sftp.extendedRequest("nobody@example.com", "")).rejects.toBeInstanceOf(NotImplementedError);
      expect(await sftp.realPath(at("."))).toBeTypeOf("string");
    });
  });
}

test("Twisted's client writes, reads, lists, links and renames at our server", async () => {
  const files = new SFTPServerForFolder(temporaryFolder());
  const server = serve(
    SSHSession,
    (factory) => (factory.algorithms = "compat"), // Twisted has none of the MACs of the default
    (user) => (user.subsystemLookup["sftp"] = (data) => new FileTransferServer(data, { avatar: files })),
  );
  const folder = new PeerFolder(peer);
  const script = folder.put("sftp.py", readFileSync(join(root, "tests/interop/peers/twisted_sftp.py")));
  const words = ["python3", "-W", "ignore", script, String(server.port), "user", "password"];
  const client = new Program([...peer, ...words]);
  const { status } = await client.ending;
  expect([status, client.stdout.text, client.stderr.text]).toEqual([0, "all is well\n", ""]);
  await server.close();
  folder.remove();
});
