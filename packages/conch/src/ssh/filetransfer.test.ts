import { implementer, registerAdapter } from "@strombus/reactor/components";
import { Deferred, succeed } from "@strombus/reactor/defer";
import { ConnectionLost } from "@strombus/reactor/error";
import { EOFError, NotImplementedError, OSError, ValueError } from "@strombus/reactor/exceptions";
import { Failure } from "@strombus/reactor/failure";
import { capturedLogs } from "@strombus/reactor/logger";
import { Protocol } from "@strombus/reactor/protocol";
import { StringTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { ConchUser, type SubsystemEntry } from "../avatar.js";
import { failures, pair } from "../channel/fixtures.test.support.js";
import { ProtocolError } from "../error.js";
import type { DirectoryEntry, FileAttributes, IDirectory } from "../interfaces.js";
import * as messages from "../messages/sftp.js";
import { SSHConnection } from "./connection.js";
import * as filetransfer from "./filetransfer.js";
import {
  type ClientDirectory,
  type ClientFile,
  FileTransferBase,
  FileTransferClient,
  FileTransferServer,
  FX_FAILURE,
  FXF_CREAT,
  FXF_READ,
  ISFTPFile,
  ISFTPServer,
  SFTPError,
} from "./filetransfer.js";
import { SSHSession } from "./session.js";

const ATTRS: FileAttributes = { size: 7, uid: 1, gid: 2, permissions: 0o100644, atime: 3, mtime: 4 };

type Call = readonly [name: string, ...args: unknown[]];

/** Answers every call with what a test has it answer, and notes it. */
@implementer(ISFTPServer, ISFTPFile)
class Noted implements ISFTPServer, ISFTPFile {
  avatar: unknown = null;
  readonly calls: Call[] = [];
  /** What the calls give: by name, or throw. */
  answers: Record<string, () => unknown> = {};

  gotVersion(version: number, extData: ReadonlyMap<string, Buffer>): Record<string, string> {
    this.calls.push(["gotVersion", version, extData]);
    return { conchTest: "ext data" };
  }
  openFile = this.#call("openFile", () => this);
  removeFile = this.#call("removeFile");
  renameFile = this.#call("renameFile");
  makeDirectory = this.#call("makeDirectory");
  removeDirectory = this.#call("removeDirectory");
  openDirectory = this.#call("openDirectory", () => directory([]));
  getAttrs = this.#call("getAttrs", () => ATTRS);
  setAttrs = this.#call("setAttrs");
  readLink = this.#call("readLink", () => "/target");
  makeLink = this.#call("makeLink");
  realPath = this.#call("realPath", () => Buffer.from("/real"));
  extendedRequest = this.#call("extendedRequest", () => "reply");
  close = this.#call("close");
  readChunk = this.#call("readChunk", () => Buffer.from("chunk"));
  writeChunk = this.#call("writeChunk");

  #call(name: string, answer: () => unknown = () => undefined): (...args: unknown[]) => never {
    return (...args) => {
      this.calls.push([name, ...args]);
      return (this.answers[name] ?? answer)() as never;
    };
  }
}

function directory(entries: Iterable<DirectoryEntry | PromiseLike<DirectoryEntry>>): IDirectory & { closed: number } {
  return {
    closed: 0,
    [Symbol.iterator]: () => entries[Symbol.iterator](),
    close() {
      this.closed += 1;
    },
  };
}

function entry(name: string): DirectoryEntry {
  return [name, `line of ${name}`, ATTRS];
}

/** The frames in some bytes: type and body. */
function frames(bytes: Buffer): [kind: number, body: Buffer][] {
  const found: [number, Buffer][] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    found.push([bytes[at + 4]!, bytes.subarray(at + 5, at + 4 + bytes.readUInt32BE(at))]);
  }
  return found;
}

function frame(kind: number, body: Buffer): Buffer {
  const header = Buffer.alloc(5, kind);
  header.writeUInt32BE(1 + body.length);
  return Buffer.concat([header, body]);
}

type AnyMessage = (typeof messages)["Open"];
type Named = Exclude<keyof typeof messages, `FILEXFER_${string}` | `${string}Head`>;

function request(name: Named, values: object): Buffer {
  const { number, encode } = messages[name] as AnyMessage;
  return frame(number, encode(values as never));
}

/** A server on a transport in memory, and what it has answered. */
function serve(files = new Noted()) {
  const transport = new StringTransport();
  const server = new FileTransferServer(null, { avatar: files });
  void server.makeConnection(transport);
  const answers = (): [string, object][] => {
    const said = frames(transport.value());
    transport.clear();
    return said.map(([kind, body]) => {
      const [name, message] = Object.entries(messages).find(
        (each) => typeof each[1] === "object" && "number" in each[1] && each[1].number === kind,
      )! as [string, AnyMessage];
      return [name, message.decode(body)];
    });
  };
  const ask = (name: Named, values: object): [string, object][] => {
    void server.dataReceived(request(name, values));
    return answers();
  };
  return { files, transport, server, answers, ask };
}

function status(id: number, code: number, message: string): [string, object] {
  return ["Status", { id, code, message, language: "" }];
}

/** One with an open file and an open directory of these entries. */
function opened(entries: Iterable<DirectoryEntry | PromiseLike<DirectoryEntry>> = []) {
  const made = serve();
  const listed = directory(entries);
  made.files.answers["openDirectory"] = () => listed;
  made.ask("Open", { id: 1, filename: "f", flags: FXF_READ, attrs: {} });
  made.ask("Opendir", { id: 2, path: "d" });
  const [file] = [...made.server.openFiles.keys()];
  const [dir] = [...made.server.openDirs.keys()];
  made.files.calls.length = 0;
  return { ...made, file: file!, dir: dir!, listed };
}

const path = Buffer.from("p");

/** By the sheet: the request, the call that it becomes, the answer, and the text when it fails. */
const HANDLERS: readonly (readonly [Named, object, Call, [string, object], string])[] = [
  ["Read", { offset: 5, length: 9 }, ["readChunk", 5, 9], ["Data", { data: Buffer.from("chunk") }], "read failed"],
  [
    "Write",
    { offset: 2n ** 60n, data: "abc" },
    ["writeChunk", 2n ** 60n, Buffer.from("abc")],
    ["Status", { code: 0, message: "write succeeded", language: "" }],
    "write failed",
  ],
  ["Remove", { path }, ["removeFile", path], ok("remove succeeded"), "remove failed"],
  [
    "Rename",
    { oldPath: "a", newPath: "b" },
    ["renameFile", Buffer.from("a"), Buffer.from("b")],
    ok("rename succeeded"),
    "rename failed",
  ],
  ["Mkdir", { path, attrs: ATTRS }, ["makeDirectory", path, ATTRS], ok("mkdir succeeded"), "mkdir failed"],
  ["Rmdir", { path }, ["removeDirectory", path], ok("rmdir succeeded"), "rmdir failed"],
  ["Stat", { path }, ["getAttrs", path, true], ["Attrs", { attrs: ATTRS }], "stat/lstat failed"],
  ["Lstat", { path }, ["getAttrs", path, false], ["Attrs", { attrs: ATTRS }], "stat/lstat failed"],
  ["Fstat", {}, ["getAttrs"], ["Attrs", { attrs: ATTRS }], "fstat failed"],
  ["Setstat", { path, attrs: ATTRS }, ["setAttrs", path, ATTRS], ok("setstat succeeded"), "setstat failed"],
  ["Fsetstat", { attrs: ATTRS }, ["setAttrs", ATTRS], ok("fsetstat succeeded"), "fsetstat failed"],
  ["Readlink", { path }, ["readLink", path], named("/target"), "readlink failed"],
  ["Realpath", { path }, ["realPath", path], named("/real"), "realpath failed"],
  [
    "Symlink",
    { first: "link", second: "target" },
    ["makeLink", Buffer.from("link"), Buffer.from("target")],
    ok("symlink succeeded"),
    "symlink failed",
  ],
  [
    "Extended",
    { name: "x@y", data: Buffer.from("data") },
    ["extendedRequest", "x@y", Buffer.from("data")],
    ["ExtendedReply", { data: Buffer.from("reply") }],
    "extended x@y failed",
  ],
];

function ok(message: string): [string, object] {
  return ["Status", { code: 0, message, language: "" }];
}

function named(name: string): [string, object] {
  return ["Name", { entries: [{ filename: Buffer.from(name), longname: Buffer.alloc(0), attrs: {} }] }];
}

describe("a server", () => {
  test("agrees on version 3, and each side gets the other's extensions", () => {
    const { ask, files, server } = serve();
    const extensions = new Map([["theirs", Buffer.from("1")]]);
    const [answer] = ask("Init", { version: 6, extensions });
    expect(answer).toEqual(["Version", { version: 3, extensions: new Map([["conchTest", Buffer.from("ext data")]]) }]);
    expect(files.calls).toEqual([["gotVersion", 3, extensions]]);
    expect([server.version, server.otherVersion]).toEqual([3, 6]);
    expect(ask("Init", { version: 2, extensions: new Map() })[0]![1]).toMatchObject({ version: 2 });
  });

  test("is made for an avatar that is an ISFTPServer or can be adapted to one", () => {
    class Avatar {}
    expect(() => new FileTransferServer(null, { avatar: new Avatar() })).toThrow(TypeError);
    const files = new Noted();
    registerAdapter(() => files, Avatar, ISFTPServer);
    expect(new FileTransferServer(null, { avatar: new Avatar() }).client).toBe(files);
  });

  for (const [name, values, call, [answer, fields], failed] of HANDLERS) {
    test(`${name} is ${call[0]}, and answered with ${answer}`, async () => {
      const { ask, answers, file, files } = opened();
      const asked = { id: 9, handle: file, ...values };
      expect(ask(name, asked)).toEqual([[answer, { id: 9, ...fields }]]);
      expect(files.calls).toEqual([call]);

      const later = new Deferred<unknown>();
      const value = (files as unknown as Record<string, () => unknown>)[call[0]]!();
      files.answers[call[0]] = () => later;
      expect(ask(name, asked)).toEqual([]);
      later.callback(value);
      expect(answers()).toEqual([[answer, { id: 9, ...fields }]]);

      files.answers[call[0]] = () => Promise.reject(new SFTPError(42, "no luck"));
      expect(ask(name, asked)).toEqual([]);
      await new Promise(setImmediate);
      expect(answers()).toEqual([status(9, 42, "no luck")]);
    });

    test(`${name} that fails is answered with a status, and with ${failed} where there is no better text`, () => {
      const { ask, file, files } = opened();
      const fails = (error: unknown) => {
        files.answers[call[0]] = () => {
          throw error as Error;
        };
        return ask(name, { id: 9, handle: file, ...values });
      };
      const system = (code: string) =>
        Object.assign(new Error(`${code}: text, open '/etc'`), { code, syscall: "open" });
      expect(fails(system("ENOENT"))).toEqual([status(9, 2, "No such file or directory")]);
      expect(fails(system("EACCES"))).toEqual([status(9, 3, "Permission denied")]);
      expect(fails(new OSError("e", { code: "EEXIST" }))).toEqual([status(9, 11, failed)]);
      expect(fails(system("ENOSPC"))).toEqual([status(9, 4, failed)]);
      expect(fails(new EOFError())).toEqual([status(9, 1, failed)]);
      expect(fails(new EOFError("over"))).toEqual([status(9, 1, "over")]);
      expect(fails(new NotImplementedError())).toEqual([status(9, 8, failed)]);
      expect(fails(new NotImplementedError("not this"))).toEqual([status(9, 8, "not this")]);
      const error = new ValueError("secret");
      const logged = capturedLogs(() => expect(fails(error)).toEqual([status(9, 4, failed)]));
      expect(failures(logged)).toEqual([error]);
    });
  }

  test("opens files and directories under handles that are never the same, and closes both", () => {
    const { ask, files, server, listed } = opened();
    ask("Open", { id: 3, filename: "g", flags: FXF_READ | FXF_CREAT, attrs: { permissions: 0o600, ext_foo: path } });
    expect(files.calls).toEqual([["openFile", Buffer.from("g"), 9, { permissions: 0o600, ext_foo: path }]]);
    const handles = [...server.openFiles.keys(), ...server.openDirs.keys()];
    expect(new Set(handles).size).toBe(3);
    for (const handle of handles) expect(ask("Close", { id: 4, handle })).toEqual([status(4, 0, "file closed")]);
    expect([server.openFiles.size, server.openDirs.size, listed.closed]).toEqual([0, 0, 1]);
    expect(files.calls.slice(1)).toEqual([["close"], ["close"]]);
  });

  test("knows no handle that it has not given, and none that is closed", () => {
    const { ask, file, dir, files } = opened();
    expect(ask("Close", { id: 5, handle: "99" })).toEqual([status(5, 2, "No such file or directory")]);
    const failed = status(5, 4, "request failed");
    const all = { id: 5, offset: 0, length: 1, data: "", attrs: {} };
    for (const name of ["Read", "Write", "Fstat", "Fsetstat"] as const) {
      for (const handle of ["99", "", "__proto__", dir]) expect(ask(name, { ...all, handle })).toEqual([failed]);
    }
    for (const handle of ["99", file]) expect(ask("Readdir", { id: 5, handle })).toEqual([failed]);
    ask("Close", { id: 5, handle: file });
    expect(ask("Read", { ...all, handle: file })).toEqual([failed]);
    expect(files.calls).toEqual([["close"]]);
  });

  test("answers a failure to close, and has forgotten the handle all the same", () => {
    const { ask, file, files, server } = opened();
    files.answers["close"] = () => Promise.reject(new SFTPError(4, "disk full"));
    expect(ask("Close", { id: 5, handle: file })).toEqual([]);
    expect(server.openFiles.size).toBe(0);
  });

  test("answers a read at the end of a file with EOF, and gives no more than was asked for", () => {
    const { ask, file, files } = opened();
    const read = { id: 5, handle: file, offset: 0, length: 3 };
    expect(ask("Read", read)).toEqual([["Data", { id: 5, data: Buffer.from("chu") }]]);
    files.answers["readChunk"] = () => Buffer.alloc(0);
    expect(ask("Read", read)).toEqual([status(5, 1, "read failed")]);
  });

  test("answers an extended request that has no reply of its own with a status", () => {
    const { ask, files } = opened();
    files.answers["extendedRequest"] = () => undefined;
    expect(ask("Extended", { id: 5, name: "x@y", data: path })).toEqual([status(5, 0, "extended x@y succeeded")]);
  });

  test("sends much data as it is, behind the rest of its packet", () => {
    const { ask, transport, file, files } = opened();
    const data = Buffer.alloc(50_000, "x");
    const written: Buffer[] = [];
    transport.write = (bytes) => void written.push(bytes as Buffer);
    files.answers["readChunk"] = () => data;
    ask("Read", { id: 5, handle: file, offset: 0, length: 50_000 });
    expect(written.map(({ buffer }) => buffer === data.buffer)).toEqual([false, true]);
    expect(Buffer.concat(written)).toEqual(request("Data", { id: 5, data }));
  });

  test("S6: reads no more than 255 KiB at once", () => {
    const { ask, file, files } = opened();
    ask("Read", { id: 5, handle: file, offset: 0, length: 2 ** 32 - 1 });
    expect(files.calls).toEqual([["readChunk", 0, 261_120]]);
  });

  test("S6: lists a directory by 250 entries, and fewer where they are long", () => {
    const names = Array.from({ length: 600 }, (_, index) => entry(`n${index}`));
    const { ask, dir } = opened(names);
    const listed = () => ask("Readdir", { id: 5, handle: dir })[0]! as [string, { entries?: unknown[] }];
    expect([listed(), listed(), listed()].map(([, { entries }]) => entries!.length)).toEqual([250, 250, 100]);
    expect(listed()).toEqual(status(5, 1, "scan directory failed"));
    const long = opened(Array.from({ length: 40 }, () => entry("x".repeat(5000))));
    const [, { entries }] = long.ask("Readdir", { id: 5, handle: long.dir })[0]! as [string, { entries: unknown[] }];
    expect(entries.length).toBe(14); // 14 of 2 x 5 KB are the first to pass 128 KiB
  });

  test("lists entries that come later, in their order, also to requests that do not wait for each other", async () => {
    async function* slowly() {
      for (let n = 0; n < 300; n++) yield await Promise.resolve(entry(`n${n}`));
    }
    const promised = Array.from({ length: 300 }, (_, n) => (n % 3 === 0 ? entry(`n${n}`) : succeed(entry(`n${n}`))));
    for (const listed of [directory(promised), { [Symbol.asyncIterator]: slowly, close: () => undefined }]) {
      const { ask, answers, server, files } = serve();
      files.answers["openDirectory"] = () => listed;
      ask("Opendir", { id: 1, path: "d" });
      const [handle] = [...server.openDirs.keys()];
      const first = [5, 6, 7].flatMap((id) => ask("Readdir", { id, handle }));
      await new Promise(setImmediate); // all promises have settled by then
      const said = [...first, ...answers()] as [string, { id: number; entries?: { filename: Buffer }[] }][];
      expect(said.map(([, { id, entries }]) => [id, entries?.length])).toEqual([
        [5, 250],
        [6, 50],
        [7, undefined],
      ]);
      const names = said.flatMap(([, { entries = [] }]) => entries.map(({ filename }) => filename.toString()));
      expect(names).toEqual(Array.from({ length: 300 }, (_, n) => `n${n}`));
    }
  });

  test("answers a listing that fails with a status", () => {
    const { ask, dir } = opened(
      (function* () {
        throw new SFTPError(4, "gone");
      })(),
    );
    expect(ask("Readdir", { id: 5, handle: dir })).toEqual([status(5, 4, "gone")]);
  });

  test("answers a malformed request with BAD_MESSAGE, and goes on", () => {
    const { server, answers, ask, files } = serve();
    for (const [name, values] of HANDLERS) {
      const whole = request(name, { id: 9, handle: "1", ...values }).subarray(5);
      void server.dataReceived(frame((messages[name] as AnyMessage).number, whole.subarray(0, 5)));
      expect(answers()).toEqual([status(9, 5, `malformed ${name.toUpperCase()}`)]);
    }
    expect(files.calls).toEqual([]);
    expect(ask("Stat", { id: 9, path })).toEqual([["Attrs", { id: 9, attrs: ATTRS }]]);
  });

  test("reads past what follows a request's last field, as rclone has it behind a WRITE", () => {
    for (const [name, values] of HANDLERS.filter(([each]) => each !== "Extended")) {
      const answered = (more: number) => {
        const { server, answers, files } = serve();
        const body = request(name, { id: 9, handle: "1", ...values }).subarray(5);
        void server.dataReceived(
          frame((messages[name] as AnyMessage).number, Buffer.concat([body, Buffer.alloc(more)])),
        );
        return [answers(), files.calls];
      };
      expect(answered(28_672), name).toEqual(answered(0));
    }
  });

  test("says of what it has no method for that it does not understand it, and skips what nobody knows", () => {
    const { server, answers } = serve();
    void server.dataReceived(frame(messages.Data.number, Buffer.of(0, 0, 0, 8)));
    expect(answers()).toEqual([status(8, 8, "don't understand DATA")]);
    const logged = capturedLogs(() => void server.dataReceived(frame(99, Buffer.of(0, 0, 0, 8))));
    expect(logged).toHaveLength(1);
    expect(answers()).toEqual([]);
  });

  test("understands requests however their bytes come, and several in one", () => {
    const requests = Buffer.concat([1, 2, 3].map((id) => request("Remove", { id, path: "x".repeat(id * 100) })));
    for (const size of [1, 3, 7, 110, 1000]) {
      const { server, answers, files } = serve();
      for (let at = 0; at < requests.length; at += size) {
        void server.dataReceived(Buffer.from(requests.subarray(at, at + size)));
      }
      expect(answers()).toEqual([1, 2, 3].map((id) => status(id, 0, "remove succeeded")));
      expect(files.calls.map(([, name]) => (name as Buffer).length)).toEqual([100, 200, 300]);
    }
  });

  test("S6: ends for a packet of more than 256 KiB, or of nothing, as soon as its length is there", () => {
    for (const length of [0, 256 * 1024 + 1, 2 ** 32 - 1]) {
      const { server, transport } = serve();
      const header = Buffer.alloc(4);
      header.writeUInt32BE(length);
      const logged = capturedLogs(() => void server.dataReceived(header));
      expect([transport.disconnecting, logged.length]).toEqual([true, 1]);
    }
    const { server, transport, answers } = serve();
    void server.dataReceived(request("Remove", { id: 1, path: Buffer.alloc(256 * 1024 - 9) }));
    expect([transport.disconnecting, answers().length]).toEqual([false, 1]);
  });

  test("S6: has 128 requests in hand, and is not ready for more data until one is answered", () => {
    const { server, files, answers } = serve();
    const waiting: Deferred<void>[] = [];
    files.answers["removeFile"] = () => {
      const answer = new Deferred<void>();
      waiting.push(answer);
      return answer;
    };
    const requests = Array.from({ length: 200 }, (_, id) => request("Remove", { id, path }));
    let ready = false;
    const taken = server.dataReceived(Buffer.concat(requests));
    void (taken as Deferred<void>).addCallback(() => (ready = true));
    expect(waiting.length).toBe(128);
    waiting[0]!.callback();
    expect([waiting.length, ready]).toEqual([129, false]);
    for (let n = 1; n < 73; n++) waiting[n]!.callback();
    expect([waiting.length, ready]).toEqual([200, true]);
    for (let n = 73; n < 200; n++) waiting[n]!.callback();
    expect(answers().length).toBe(200);
  });

  test("S6: has 2 MiB being written at once", () => {
    const { server, files, file } = opened();
    const written: Deferred<void>[] = [];
    files.answers["writeChunk"] = () => {
      written.push(new Deferred());
      return written.at(-1);
    };
    const write = request("Write", { id: 5, handle: file, offset: 0, data: Buffer.alloc(200_000) });
    void server.dataReceived(Buffer.concat(Array.from({ length: 20 }, () => write)));
    expect(written.length).toBe(11);
    for (const each of written.slice(0, 5)) each.callback();
    expect(written.length).toBe(16);
  });

  test("S6: has 2 MiB being read at once", () => {
    const { server, files, file } = opened();
    files.answers["readChunk"] = () => new Deferred<Buffer>();
    const read = request("Read", { id: 5, handle: file, offset: 0, length: 255 * 1024 });
    void server.dataReceived(Buffer.concat(Array.from({ length: 50 }, () => read)));
    expect(files.calls.length).toBe(9);
  });

  test("S6: has 256 handles open, files and directories together, and those being opened", () => {
    const { server, files, ask } = serve();
    files.answers["openDirectory"] = () => Promise.reject(new Error("no"));
    for (let id = 0; id < 255; id++) ask("Open", { id, filename: path, flags: FXF_READ, attrs: {} });
    expect(server.openFiles.size).toBe(255);
    expect(ask("Opendir", { id: 1, path })).toEqual([]);
    expect(ask("Open", { id: 2, filename: path, flags: FXF_READ, attrs: {} })).toEqual([
      status(2, FX_FAILURE, "too many open handles"),
    ]);
    const [handle] = [...server.openFiles.keys()];
    ask("Close", { id: 3, handle });
    expect(ask("Open", { id: 2, filename: path, flags: FXF_READ, attrs: {} })[0]![0]).toBe("Handle");
  });

  test("looks at no request while its answers have to wait", () => {
    const { server, transport, answers } = serve();
    expect([transport.producer, transport.streaming]).toEqual([server, true]);
    server.pauseProducing();
    let ready = false;
    const taken = server.dataReceived(request("Remove", { id: 1, path })) as Deferred<void>;
    void taken.addCallback(() => (ready = true));
    expect([answers(), ready]).toEqual([[], false]);
    server.resumeProducing();
    expect([answers().length, ready]).toEqual([1, true]);
    expect(server.dataReceived(request("Remove", { id: 1, path }))).toBeUndefined();
  });

  test("goes when the client asks nothing more and all is answered and taken", () => {
    const { server, files, transport, answers } = serve();
    const answer = new Deferred<void>();
    files.answers["removeFile"] = () => answer;
    void server.dataReceived(request("Remove", { id: 1, path }));
    void server.readConnectionLost();
    expect(transport.disconnecting).toBe(false);
    server.pauseProducing();
    answer.callback();
    expect([transport.disconnecting, answers().length]).toEqual([false, 1]);
    server.resumeProducing();
    expect(transport.disconnecting).toBe(true);
  });

  test("closes what is open when the connection is lost, and what comes to be open after that", async () => {
    const { server, files, listed, ask, answers } = opened();
    const late = new Deferred<ISFTPFile>();
    files.answers["openFile"] = () => late;
    ask("Open", { id: 3, filename: path, flags: FXF_READ, attrs: {} });
    files.answers["close"] = () => Promise.reject(new Error("cannot be closed"));
    const logged = capturedLogs(() => void server.connectionLost());
    expect([files.calls.slice(1), listed.closed]).toEqual([[["close"]], 1]);
    expect([server.openFiles.size, server.openDirs.size, server.connected, logged]).toEqual([0, 0, false, []]);
    late.callback(files);
    expect(files.calls.slice(1)).toEqual([["close"], ["close"]]);
    await new Promise(setImmediate);
    expect(answers()).toEqual([]);
  });
});

/** A client and a server, connected in memory; what one sends the other gets when it is carried. */
function connected(files = new Noted(), client = new FileTransferClient()) {
  const { server, transport: toClient } = serve(files);
  const toServer = new StringTransport();
  void client.makeConnection(toServer);
  const carry = (): void => {
    while (toClient.value().length + toServer.value().length > 0) {
      const [forClient, forServer] = [toClient.value(), toServer.value()].map((each) => Buffer.from(each));
      toClient.clear();
      toServer.clear();
      if (forServer!.length > 0) void server.dataReceived(forServer!);
      if (forClient!.length > 0) void client.dataReceived(forClient!);
    }
  };
  /** What a call comes to. */
  const result = async <T>(call: Deferred<T>): Promise<T> => {
    carry();
    return await call;
  };
  carry();
  return { files, server, client, toServer, result };
}

describe("a client", () => {
  test("learns the server's version and extensions, and tells its own", () => {
    const got: unknown[] = [];
    class Curious extends FileTransferClient {
      override gotServerVersion(...args: unknown[]): void {
        got.push(...args);
      }
    }
    const { files, client } = connected(new Noted(), new Curious({ mine: "1" }));
    expect(files.calls).toEqual([["gotVersion", 3, new Map([["mine", Buffer.from("1")]])]]);
    expect(got).toEqual([3, new Map([["conchTest", Buffer.from("ext data")]])]);
    expect([client.version, client.otherVersion]).toEqual([3, 3]);
  });

  test("calls what the server has", async () => {
    const { client, files, result } = connected();
    files.calls.length = 0;
    const file: ClientFile = await result(client.openFile("f", FXF_READ, { ext_foo: path }));
    expect([file.name, ISFTPFile.providedBy(file), file.handle]).toEqual(["f", true, Buffer.from("\0\0\0\x011")]);
    expect(await result(file.readChunk(0, 9))).toEqual(Buffer.from("chunk"));
    expect(await result(file.writeChunk(3, "data"))).toEqual(["write succeeded", ""]);
    expect(await result(file.getAttrs())).toEqual(ATTRS);
    expect(await result(file.setAttrs({ permissions: 1 }))).toEqual(["fsetstat succeeded", ""]);
    expect(await result(file.close())).toEqual(["file closed", ""]);
    expect(await result(client.removeFile("f"))).toEqual(["remove succeeded", ""]);
    expect(await result(client.renameFile("f", "g"))).toEqual(["rename succeeded", ""]);
    expect(await result(client.makeDirectory("d", { permissions: 2 }))).toEqual(["mkdir succeeded", ""]);
    expect(await result(client.removeDirectory("d"))).toEqual(["rmdir succeeded", ""]);
    expect(await result(client.getAttrs("f"))).toEqual(ATTRS);
    expect(await result(client.getAttrs("f", 1))).toEqual(ATTRS);
    expect(await result(client.setAttrs("f", { permissions: 3 }))).toEqual(["setstat succeeded", ""]);
    expect(await result(client.readLink("l"))).toBe("/target");
    expect(await result(client.realPath("."))).toBe("/real");
    expect(await result(client.makeLink("link", "target"))).toEqual(["symlink succeeded", ""]);
    expect(await result(client.extendedRequest("x@y", "data"))).toEqual(Buffer.from("reply"));
    files.answers["extendedRequest"] = () => undefined;
    expect(await result(client.extendedRequest("x@z", "data"))).toEqual(["extended x@z succeeded", ""]);
    const bytes = Buffer.from.bind(Buffer) as (text: string) => Buffer;
    expect(files.calls).toEqual([
      ["openFile", bytes("f"), 1, { ext_foo: path }],
      ["readChunk", 0, 9],
      ["writeChunk", 3, bytes("data")],
      ["getAttrs"],
      ["setAttrs", { permissions: 1 }],
      ["close"],
      ["removeFile", bytes("f")],
      ["renameFile", bytes("f"), bytes("g")],
      ["makeDirectory", bytes("d"), { permissions: 2 }],
      ["removeDirectory", bytes("d")],
      ["getAttrs", bytes("f"), false],
      ["getAttrs", bytes("f"), true],
      ["setAttrs", bytes("f"), { permissions: 3 }],
      ["readLink", bytes("l")],
      ["realPath", bytes(".")],
      ["makeLink", bytes("link"), bytes("target")],
      ["extendedRequest", "x@y", bytes("data")],
      ["extendedRequest", "x@z", bytes("data")],
    ]);
  });

  test("that is to send what cannot be sent throws, and waits for no answer", () => {
    const { client } = connected();
    expect(() => client.setAttrs("f", { size: -1 })).toThrow(RangeError);
    expect(client.openRequests.size).toBe(0);
  });

  test("fails as the server says", async () => {
    const { client, files, result } = connected();
    const fails = async (error: Error) => {
      files.answers["removeFile"] = () => {
        throw error;
      };
      return await result(client.removeFile("f")).then(undefined, (reason: unknown) => reason);
    };
    const denied = await fails(new SFTPError(3, "not yours"));
    expect(denied).toBeInstanceOf(SFTPError);
    expect(denied).toMatchObject({ code: 3, message: "not yours", lang: "" });
    expect(String(denied)).toBe("SFTPError 3: not yours");
    expect(await fails(new EOFError("over"))).toEqual(new EOFError("over"));
    expect(await fails(new NotImplementedError("never"))).toEqual(new NotImplementedError("never"));
  });

  test("writes in pieces what no server need take at once, and fails with the first that does", async () => {
    const { client, files, result } = connected();
    const file = await result(client.openFile("f", FXF_READ, {}));
    files.calls.length = 0;
    const data = Buffer.alloc(70_000, "x");
    expect(await result(file.writeChunk(2n ** 60n, data))).toEqual(["write succeeded", ""]);
    expect(files.calls.map(([, offset, piece]) => [offset, (piece as Buffer).length])).toEqual([
      [2n ** 60n, 32_768],
      [2n ** 60n + 32_768n, 32_768],
      [2n ** 60n + 65_536n, 4464],
    ]);
    files.answers["writeChunk"] = () => {
      throw new SFTPError(4, "full");
    };
    await expect(result(file.writeChunk(0, data))).rejects.toEqual(new SFTPError(4, "full"));
  });

  test("lists a directory to its end, batch by batch or entry by entry", async () => {
    const { client, files, result } = connected();
    files.answers["openDirectory"] = () => directory(Array.from({ length: 260 }, (_, n) => entry(`n${n}`)));
    const first: ClientDirectory = await result(client.openDirectory("d"));
    expect(first.name).toBe("d");
    const batch = await result(first.read());
    expect(batch[0]).toEqual([Buffer.from("n0"), Buffer.from("line of n0"), ATTRS]);
    expect([batch.length, (await result(first.read())).length]).toEqual([250, 10]);
    await expect(result(first.read())).rejects.toBeInstanceOf(EOFError);
    expect(await result(first.close())).toEqual(["file closed", ""]);
    expect(await result(first.close())).toBeNull();

    const second = await result(client.openDirectory("d"));
    const names: string[] = [];
    const all = (async () => {
      for await (const [name] of second) names.push(name.toString());
    })();
    const state = { over: false };
    void all.then(() => (state.over = true));
    while (!state.over) await result(client.realPath("."));
    expect(names.length).toBe(260);
  });

  test("S7: leaves out names that lead out of the directory or act on a terminal", async () => {
    const { client, files, result } = connected();
    const names = ["ok", ".", "..", "../up", "a/b", "/abs", "", "a\0b", "\x1b[2J", "line\n", "\x7f", ".hidden", "..."];
    files.answers["openDirectory"] = () => directory(names.map(entry));
    const dir = await result(client.openDirectory("d"));
    const read = await result(dir.read());
    expect(read.map(([name]) => name.toString())).toEqual(["ok", ".hidden", "..."]);
  });

  test("fails every call when the connection is lost, those that wait and those that come", async () => {
    const unconnected = new FileTransferClient();
    await expect(unconnected.removeFile("f")).rejects.toBeInstanceOf(ConnectionLost);
    const { client, files, result } = connected();
    const file = await result(client.openFile("f", FXF_READ, {}));
    files.answers["readChunk"] = () => new Deferred();
    const reading = file.readChunk(0, 1).addErrback((failure: Failure) => failure.value);
    const why = new Failure(new ValueError("the cable"));
    void client.connectionLost(why);
    const lost: unknown = await reading;
    expect(lost).toBeInstanceOf(ConnectionLost);
    expect(lost).toHaveProperty("cause", why.value);
    expect(client.connected).toBe(false);
    await expect(file.readChunk(0, 1)).rejects.toBeInstanceOf(ConnectionLost);
  });

  test("takes a status without its language, and without its text", async () => {
    const { client } = connected();
    const id = Buffer.of(0, 0, 0, 0);
    const parts: string[][] = [[], ["\0\0\0\x02hm"], ["\0\0\0\x02hm", "\0\0\0\x02en"]];
    for (const [index, part] of parts.entries()) {
      id[3] = index;
      const removing = client.removeFile("f");
      const body = Buffer.concat([id, Buffer.of(0, 0, 0, 4), ...part.map((each) => Buffer.from(each))]);
      void client.dataReceived(frame(messages.Status.number, body));
      const expected = new SFTPError(4, part[0] === undefined ? "" : "hm", part[1] === undefined ? "" : "en");
      await expect(removing).rejects.toEqual(expected);
      await expect(removing).rejects.toMatchObject({ lang: expected.lang });
    }
  });

  test("drops an answer to no request", () => {
    const { client } = connected();
    const logged = capturedLogs(() => void client.dataReceived(request("Data", { id: 77, data: "" })));
    expect(logged).toHaveLength(1);
  });

  test("fails a call whose answer cannot be read, or is one to something else, and goes on", async () => {
    const { client, result } = connected();
    for (const [index, answer] of [
      frame(messages.Attrs.number, Buffer.of(0, 0, 0, 0, 1)),
      request("Handle", { id: 1, handle: "1" }),
      request("Status", { id: 2, code: 0, message: "", language: "" }),
      request("Attrs", { id: 3, attrs: {} }),
    ].entries()) {
      const asked = index === 3 ? client.readLink("f") : client.getAttrs("f");
      void client.dataReceived(answer);
      await expect(asked).rejects.toBeInstanceOf(ProtocolError);
    }
    const named = client.readLink("f");
    void client.dataReceived(request("Name", { id: 4, entries: [] }));
    await expect(named).rejects.toBeInstanceOf(ProtocolError);
    expect(await result(client.realPath("."))).toBe("/real");
  });
});

describe("a client that is opened on a connection", () => {
  /** Connections in memory, with a server that has these files, or this subsystem. */
  function joined(files: ISFTPServer | null, subsystem?: SubsystemEntry) {
    class User extends ConchUser {}
    const user = new User();
    user.channelLookup["session"] = SSHSession;
    if (files !== null) {
      registerAdapter(() => files, User, ISFTPServer);
      user.subsystemLookup["sftp"] = FileTransferServer;
    }
    if (subsystem !== undefined) user.subsystemLookup["sftp"] = subsystem;
    const made = pair(new SSHConnection(), new SSHConnection());
    made.server.transport!.avatar = user;
    /** What a call comes to, while all is carried. */
    const result = async <T>(call: PromiseLike<T>): Promise<T> => {
      const state = { over: false };
      const done = () => (state.over = true);
      call.then(done, done);
      for (let turn = 0; !state.over && turn < 100; turn++) {
        made.pump();
        await Promise.resolve();
      }
      return call;
    };
    return { ...made, result };
  }

  test("is ready when the server has answered, and is closed by the end of its block", async () => {
    const files = new Noted();
    const { client, server, result, pump } = joined(files);
    {
      await using sftp = await result(FileTransferClient.open(client, { mine: "1" }));
      expect([sftp.version, files.calls[0]]).toEqual([3, ["gotVersion", 3, new Map([["mine", Buffer.from("1")]])]]);
      await result(sftp.openFile("f", FXF_READ, {}));
      expect(await result(sftp.realPath("."))).toBe("/real");
    }
    pump();
    await Promise.resolve();
    pump();
    expect(files.calls.at(-1)).toEqual(["close"]);
    expect([client.channels.size, server.channels.size]).toEqual([0, 0]);
  });

  test("is rejected where there is no SFTP, and leaves no channel", async () => {
    const { client, server, result, pump } = joined(null);
    await expect(result(FileTransferClient.open(client))).rejects.toThrow("request");
    pump();
    expect([client.channels.size, server.channels.size]).toEqual([0, 0]);
  });

  test("is rejected when the connection ends before the server has answered", async () => {
    const { client, result } = joined(null, () => new Protocol());
    const opening = FileTransferClient.open(client);
    await Promise.race([result(opening), new Promise(setImmediate)]);
    client.serviceStopped();
    await expect(opening).rejects.toBeInstanceOf(ConnectionLost);
  });
});

describe("a link's path and its target", () => {
  const peers = [
    ["SSH-2.0-OpenSSH_9.2p1 Debian-2", true],
    ["SSH-2.0-paramiko_3.4.0", true],
    ["SSH-2.0-Go", true],
    ["SSH-2.0-libssh2_1.10.0", true],
    ["SSH-2.0-APACHE-SSHD-2.13.2", true],
    ["SSH-2.0-TrileadSSH2Java_213", true],
    ["SSH-2.0-Ganymed_262.0", true],
    ["SSH-2.0-dropbear_2025.88", true],
    ["SSH-2.0-tinyssh_20260101", true],
    ["SSH-2.0-PuTTY_Release_0.83", true],
    ["SSH-2.0-libssh_0.10.6", false],
    ["SSH-2.0-AsyncSSH_2.14.0", false],
    ["SSH-2.0-Twisted_24.3", false],
    ["", false],
  ] as const;
  for (const [line, targetFirst] of peers) {
    test(`have the ${targetFirst ? "target" : "path"} first with ${line || "a peer that nobody knows"}`, () => {
      const conn = { transport: { otherVersionString: line } };
      const { server, files } = serve();
      server.transport = Object.assign(new StringTransport(), { session: { conn } });
      void server.dataReceived(request("Symlink", { id: 1, first: "1", second: "2" }));
      const [link, target] = targetFirst ? ["2", "1"] : ["1", "2"];
      expect(files.calls).toEqual([["makeLink", Buffer.from(link), Buffer.from(target)]]);

      const client = new FileTransferClient();
      const transport = Object.assign(new StringTransport(), { conn });
      void client.makeConnection(transport);
      transport.clear();
      client.makeLink("link", "target").addErrback(() => undefined);
      const [[, body]] = frames(transport.value()) as [[number, Buffer]];
      const { first, second } = messages.Symlink.decode(body);
      expect([first.toString(), second.toString()]).toEqual(targetFirst ? ["target", "link"] : ["link", "target"]);
    });
  }
});

test("the numbers are those of the draft", () => {
  const numbers = Object.fromEntries(Object.entries(filetransfer).filter(([, value]) => typeof value === "number"));
  expect(numbers).toEqual({
    ...{ FXP_INIT: 1, FXP_VERSION: 2, FXP_OPEN: 3, FXP_CLOSE: 4, FXP_READ: 5, FXP_WRITE: 6, FXP_LSTAT: 7 },
    ...{ FXP_FSTAT: 8, FXP_SETSTAT: 9, FXP_FSETSTAT: 10, FXP_OPENDIR: 11, FXP_READDIR: 12, FXP_REMOVE: 13 },
    ...{ FXP_MKDIR: 14, FXP_RMDIR: 15, FXP_REALPATH: 16, FXP_STAT: 17, FXP_RENAME: 18, FXP_READLINK: 19 },
    ...{ FXP_SYMLINK: 20, FXP_STATUS: 101, FXP_HANDLE: 102, FXP_DATA: 103, FXP_NAME: 104, FXP_ATTRS: 105 },
    ...{ FXP_EXTENDED: 200, FXP_EXTENDED_REPLY: 201 },
    ...{ FILEXFER_ATTR_SIZE: 1, FILEXFER_ATTR_UIDGID: 2, FILEXFER_ATTR_OWNERGROUP: 2, FILEXFER_ATTR_PERMISSIONS: 4 },
    ...{ FILEXFER_ATTR_ACMODTIME: 8, FILEXFER_ATTR_EXTENDED: 0x80000000 },
    ...{ FILEXFER_TYPE_REGULAR: 1, FILEXFER_TYPE_DIRECTORY: 2, FILEXFER_TYPE_SYMLINK: 3, FILEXFER_TYPE_SPECIAL: 4 },
    ...{ FILEXFER_TYPE_UNKNOWN: 5 },
    ...{ FXF_READ: 1, FXF_WRITE: 2, FXF_APPEND: 4, FXF_CREAT: 8, FXF_TRUNC: 0x10, FXF_EXCL: 0x20, FXF_TEXT: 0x40 },
    ...{ FX_OK: 0, FX_EOF: 1, FX_NO_SUCH_FILE: 2, FX_PERMISSION_DENIED: 3, FX_FAILURE: 4, FX_BAD_MESSAGE: 5 },
    ...{ FX_NO_CONNECTION: 6, FX_CONNECTION_LOST: 7, FX_OP_UNSUPPORTED: 8, FX_FILE_ALREADY_EXISTS: 11 },
    ...{ FX_NOT_A_DIRECTORY: 4, FX_FILE_IS_A_DIRECTORY: 4 },
  });
  expect(FileTransferBase.packetTypes.get(3)).toBe("OPEN");
});
