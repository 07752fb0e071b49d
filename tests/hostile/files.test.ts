/** What a client can make of the files that it is served, over a whole connection (rules S5 and S6). */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConchUser } from "@strombus/conch/avatar";
import { ISFTPServer } from "@strombus/conch/interfaces";
import { SFTPServerForFolder } from "@strombus/conch/sftp";
import { FileTransferServer } from "@strombus/conch/ssh/filetransfer";
import { SSHSession } from "@strombus/conch/ssh/session";
import { registerAdapter } from "@strombus/reactor/components";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { conversation, type Field, openedBy } from "../support/memory-connection.js";
import { fields, uint32 } from "../support/memory-ssh.js";

const SECRET = "only outside";
/** Types of packets, as the draft numbers them. */
const [OPEN, CLOSE, READ, OPENDIR, READDIR, REALPATH, STAT, SYMLINK] = [3, 4, 5, 11, 12, 16, 17, 20] as const;
const [STATUS, HANDLE, DATA, NAME, ATTRS] = [101, 102, 103, 104, 105] as const;
const [NO_SUCH_FILE, PERMISSION_DENIED, FAILURE] = [2, 3, 4] as const;
const NO_ATTRS = 0;
const FOR_READING = 1;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "strombus-files-"));
  for (const name of ["root", "root-of-others", "outside"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "root/file"), "inside");
  for (const name of ["root-of-others", "outside"]) writeFileSync(join(folder, name, "secret"), SECRET);
});
afterEach(() => rmSync(folder, { recursive: true }));

class User extends ConchUser {}
registerAdapter((user: User) => new SFTPServerForFolder(join(folder, "root"), { avatar: user }), User, ISFTPServer);

/** A client that speaks SFTP: sends packets and hears their answers. */
async function client() {
  const user = new User();
  user.channelLookup["session"] = SSHSession;
  user.subsystemLookup["sftp"] = FileTransferServer;
  const talk = await conversation("server", user);
  const open = async () => {
    const id = await openedBy(talk, "session");
    await talk.send(98, id, "subsystem", true, "sftp");
    const before = talk.got(94).length;
    /** What has been said since the last time, as packets. */
    let told = before;
    const answers = (): [type: number, body: Buffer][] => {
      const said = Buffer.concat(
        talk
          .got(94)
          .slice(told)
          .map((body) => body.subarray(8)),
      );
      told = talk.got(94).length;
      const found: [number, Buffer][] = [];
      for (let at = 0; at < said.length; at += 4 + said.readUInt32BE(at))
        found.push([said[at + 4]!, said.subarray(at + 9, at + 4 + said.readUInt32BE(at))]);
      return found;
    };
    const raw = async (bytes: Buffer) => {
      for (let at = 0; at < bytes.length; at += 32_768) talk.push(94, id, bytes.subarray(at, at + 32_768));
      await talk.made.settle();
      return answers();
    };
    /** Open files are read and closed in the thread pool. */
    const ask = async (type: number, ...values: Field[]) => {
      let answer = await raw(packet(type, ...values));
      for (; answer.length === 0; answer = answers()) {
        await new Promise(setImmediate);
        await talk.made.settle();
      }
      return answer;
    };
    return { id, raw, ask };
  };
  return { talk, open, ...(await open()) };
}

function packet(type: number, ...values: Field[]): Buffer {
  const body = Buffer.concat([Buffer.of(type), uint32(7), fields(...values)]);
  return Buffer.concat([uint32(body.length), body]);
}

/** The type of an answer, and of a status its code. */
function outcome([answer]: [type: number, body: Buffer][]): readonly [type: number, code?: number] {
  const [type, body] = answer!;
  return type === STATUS ? [type, body.readUInt32BE(0)] : [type];
}

const bytes = (text: string): Buffer => Buffer.from(text);
const OFFSET = [0, 0] as const; // a uint64

describe("a root for files", () => {
  /** Ways out, as paths and as links that somebody has made in the root. */
  const WAYS = ["../outside/secret", "/../outside/secret", "a/../../outside/secret", "link", "chain", "dir/secret"];

  beforeEach(() => {
    symlinkSync(join(folder, "outside/secret"), join(folder, "root/link"));
    symlinkSync("../outside/secret", join(folder, "root/up"));
    symlinkSync("up", join(folder, "root/chain"));
    symlinkSync(join(folder, "outside"), join(folder, "root/dir"));
  });

  for (const way of [...WAYS, "up"]) {
    test(`S5: CVE-2023-35887: is not left by ${way}, and does not tell what is outside`, async () => {
      const { ask } = await client();
      const missing = way.replace("secret", "no-secret");
      for (const [type, ...values] of [[OPEN, FOR_READING, NO_ATTRS], [STAT], [OPENDIR]] as const) {
        const [there, not] = [await ask(type, bytes(way), ...values), await ask(type, bytes(missing), ...values)];
        expect([outcome(there), outcome(not)]).toEqual([
          [STATUS, NO_SUCH_FILE],
          [STATUS, NO_SUCH_FILE],
        ]);
      }
      const [[type, body]] = (await ask(REALPATH, bytes(way))) as [[number, Buffer]];
      expect(type).toBe(NAME);
      expect(body.toString("latin1")).not.toContain(join(folder, "root"));
    });
  }

  test("S5: CVE-2026-23942: is no prefix: a folder beside it whose name begins with its own is outside", async () => {
    symlinkSync("../root-of-others", join(folder, "root/others"));
    const { ask } = await client();
    for (const way of ["../root-of-others/secret", "others/secret", `${join(folder, "root-of-others")}/secret`])
      expect(outcome(await ask(STAT, bytes(way)))).toEqual([STATUS, NO_SUCH_FILE]);
  });

  test("S5: has no new links that lead out of it", async () => {
    const { ask } = await client();
    expect(outcome(await ask(SYMLINK, bytes("new"), bytes("../outside/secret")))).toEqual([STATUS, PERMISSION_DENIED]);
    expect(outcome(await ask(SYMLINK, bytes("new"), bytes("/../outside/secret")))).toEqual([STATUS, 0]);
    expect(() => readFileSync(join(folder, "root/new"))).toThrow("ENOENT");
  });

  test("S5: serves what is in it", async () => {
    const { ask } = await client();
    const [[type, handle]] = (await ask(OPEN, bytes("/../file"), FOR_READING, NO_ATTRS)) as [[number, Buffer]];
    expect(type).toBe(HANDLE);
    const [[read, data]] = (await ask(READ, handle.subarray(4), ...OFFSET, 100)) as [[number, Buffer]];
    expect([read, data.toString("latin1", 4)]).toEqual([DATA, "inside"]);
    expect(outcome(await ask(STAT, bytes("file")))).toEqual([ATTRS]);
  });
});

describe("what a client has open", () => {
  test("S6: CVE-2025-48041: is 256 files and directories of a channel, until it closes some", async () => {
    const { ask, raw } = await client();
    const opening = Buffer.concat(
      Array.from({ length: 300 }, (_, n) =>
        n % 2 === 0 ? packet(OPEN, bytes("file"), FOR_READING, NO_ATTRS) : packet(OPENDIR, bytes("/")),
      ),
    );
    const answers = await raw(opening);
    const handles = answers.filter(([type]) => type === HANDLE).map(([, body]) => body.subarray(4));
    expect([answers.length, handles.length]).toEqual([300, 256]);
    expect(outcome(answers.slice(-1))).toEqual([STATUS, FAILURE]);
    expect(outcome(await ask(CLOSE, handles[0]!))).toEqual([STATUS, 0]);
    expect(outcome(await ask(OPENDIR, bytes("/")))).toEqual([HANDLE]);
  });

  test("S6: is its channel's own, and closed with it", async () => {
    const { talk, open, ask, id } = await client();
    const [[, handle]] = (await ask(OPEN, bytes("file"), FOR_READING, NO_ATTRS)) as [[number, Buffer]];
    const [[, listed]] = (await ask(OPENDIR, bytes("/"))) as [[number, Buffer]];
    const other = await open();
    expect(outcome(await other.ask(READ, handle.subarray(4), ...OFFSET, 10))).toEqual([STATUS, FAILURE]);
    expect(outcome(await other.ask(READDIR, listed.subarray(4)))).toEqual([STATUS, FAILURE]);
    const before = openFiles();
    await talk.send(97, id);
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect(openFiles()).toBeLessThan(before);
    expect(outcome(await other.ask(STAT, bytes("file")))).toEqual([ATTRS]);
  });
});

describe("what a client sends", () => {
  for (const length of [0, 256 * 1024 + 1, 2 ** 31, 2 ** 32 - 1]) {
    test(`S6: CVE-2026-59844: is no packet of ${length} bytes: its channel ends, before any of that is kept`, async () => {
      const { talk, raw, open, id } = await client();
      await raw(Buffer.concat([uint32(length), Buffer.alloc(1000)]));
      expect(talk.got(97).map((body) => body.readUInt32BE(0))).toEqual([7]);
      expect(talk.disconnects).toEqual([]);
      await talk.send(97, id);
      const other = await open();
      expect(outcome(await other.ask(STAT, bytes("file")))).toEqual([ATTRS]);
    });
  }

  test("S6: is a request that cannot be read: it gets an answer, and nothing else happens", async () => {
    const { ask } = await client();
    expect(outcome(await ask(STAT))).toEqual([STATUS, 5]);
    expect(outcome(await ask(STAT, bytes("file"), bytes("more")))).toEqual([ATTRS]); // read past, as rclone needs it
    expect(outcome(await ask(STAT, bytes("file")))).toEqual([ATTRS]);
  });
});

/** How much of the folder this process has open. */
function openFiles(): number {
  let count = 0;
  for (const fd of readDescriptors()) if (fd.startsWith(folder)) count++;
  return count;
}

function readDescriptors(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // the one of the reading itself
    }
  });
}
