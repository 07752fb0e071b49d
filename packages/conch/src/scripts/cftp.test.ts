import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { implementer } from "@strombus/reactor/components";
import { succeed } from "@strombus/reactor/defer";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { UserDatabase } from "@strombus/reactor/fakepwd";
import { Clock } from "@strombus/reactor/task";
import { StringTransport } from "@strombus/reactor/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type DirectoryEntry, type FileAttributes, ISFTPServer } from "../interfaces.js";
import { SFTPServerForFolder } from "../sftp.js";
import type { SSHConnection } from "../ssh/connection.js";
import { ClientFile, FileTransferClient, SFTPError } from "../ssh/filetransfer.js";
import { connectionTo } from "./cftp/connection.test.support.js";
import { type ClientOptions, FileWrapper, run, SSHSession, StdioClient, type StdioClientOptions } from "./cftp.js";

const home = process.cwd();
let base: string;
/** The server's folder, and ours, in which we are. */
let served: string;
let local: string;
let connections: SSHConnection[];
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "strombus-cftp-")));
  [served, local] = [join(base, "served"), join(base, "local")];
  for (const each of [served, local, join(served, "dir"), join(served, "empty")]) mkdirSync(each);
  for (const name of ["testfile1", "testRemoveFile", "testRenameFile", ".testHiddenFile"]) {
    writeFileSync(join(served, name), `content of ${name}`);
  }
  writeFileSync(join(served, "dir/inner"), "inner");
  process.chdir(local);
  connections = [];
});
afterEach(() => {
  process.chdir(home);
  for (const each of connections) each.transport?.loseConnection();
  rmSync(base, { recursive: true });
  process.exitCode = 0;
});

interface Given extends StdioClientOptions {
  readonly files?: ISFTPServer;
  readonly f?: string[] | null;
  readonly progress?: boolean;
}

async function start({ files, f = null, progress = false, ...options }: Given = {}) {
  const conn = await connectionTo(files ?? new SFTPServerForFolder(served));
  connections.push(conn);
  const client = await FileTransferClient.open(conn);
  const commands = new StdioClient(client, f, options);
  commands.useProgressBar = progress;
  const transport = new StringTransport();
  await commands.makeConnection(transport);
  const printed = transport.value().toString();
  /** What a line prints; the prompt behind it is there once. */
  const type = async (line: string): Promise<string> => {
    transport.clear();
    await commands.dataReceived(Buffer.from(`${line}\n`));
    const text = transport.value().toString();
    expect(text.endsWith("cftp> ") && text.indexOf("cftp> ") === text.length - 6).toBe(true);
    return text.slice(0, -6);
  };
  return { client, commands, transport, printed, type };
}

const PNG = "\x1b[31mred";

describe("where one is", () => {
  test("begins where the server has its start, with a prompt", async () => {
    const { printed, commands, type } = await start();
    expect([printed, commands.currentDirectory]).toEqual(["cftp> ", "/"]);
    expect([await type("pwd"), await type("lpwd")]).toEqual(["/\n", `${local}\n`]);
  });

  test("cd goes to directories only, lcd here", async () => {
    const { type } = await start();
    expect([await type("cd dir"), await type("pwd")]).toEqual(["", "/dir\n"]);
    expect([await type("cd .."), await type("pwd")]).toEqual(["", "/\n"]);
    expect(await type("cd testfile1")).toMatch(/^remote error \d+: /);
    expect([await type("cd dir"), await type("cd"), await type("pwd")]).toEqual(["", "", "/\n"]);
    expect([await type(`lcd ${base}`), await type("lpwd")]).toEqual(["", `${base}\n`]);
    expect(await type("lcd nowhere")).toBe("local error 2: No such file or directory\n");
  });

  test("a path of the command line is gone to, or got", async () => {
    expect((await start({ remotePath: "dir" })).commands.currentDirectory).toBe("/dir");
    const { printed, commands } = await start({ remotePath: "dir/inner", localPath: "mine" });
    expect(printed).toBe("Transferred /dir/inner to mine\n");
    expect([readFileSync("mine", "utf8"), commands.finished, commands.failed]).toEqual(["inner", true, false]);
    expect((await start({ remotePath: "missing" })).commands.failed).toBe(true);
  });
});

describe("ls", () => {
  test.each([
    ["ls", "dir\nempty\ntestRemoveFile\ntestRenameFile\ntestfile1\n"],
    ["ls -a", ".testHiddenFile\ndir\nempty\ntestRemoveFile\ntestRenameFile\ntestfile1\n"],
    ["ls dir", "inner\n"],
    ["ls dir/../dir/i*", "inner\n"],
    ["ls *File", "testRemoveFile\ntestRenameFile\n"],
    ["ls -a *File", ".testHiddenFile\ntestRemoveFile\ntestRenameFile\n"],
    ["ls .test*", ".testHiddenFile\n"],
    ["ls test?ile1", "testfile1\n"],
    ["ls *[!a-z]", "testfile1\n"],
    ["ls testfile1", "testfile1\n"],
    ["ls .testHiddenFile", ".testHiddenFile\n"],
    ["ls empty", ""],
    ["ls *nothing", ""],
    ["ls missing", "remote error 2: No such file or directory\n"],
    ["ls -t", "error: ls has no option -t\n"],
  ])("%s", async (line, expected) => {
    expect(await (await start()).type(line)).toBe(expected);
  });

  test("from within a directory, and long, with the server's own lines", async () => {
    const { type } = await start();
    await type("cd dir");
    expect(await type("ls ../empty")).toBe("");
    expect(await type("ls -l ../testfile1")).toMatch(/^-rw-r--r-- .* testfile1\n$/);
    expect(await type("chmod 0 ../testfile1")).toBe("");
    expect(await type("ls -la ../testfile1")).toMatch(/^---------- .* testfile1\n$/);
  });
});

describe("get", () => {
  test("a file by its name, into one of the same name or another, in whatever directory", async () => {
    const { type } = await start();
    expect(await type("get testfile1")).toBe("Transferred /testfile1 to testfile1\n");
    expect(await type('get dir/inner "with blank"')).toBe("Transferred /dir/inner to with blank\n");
    await type("cd dir");
    expect(await type("get inner")).toBe("Transferred /dir/inner to inner\n");
    expect(readFileSync("testfile1", "utf8")).toBe("content of testfile1");
    expect([readFileSync("with blank", "utf8"), readFileSync("inner", "utf8")]).toEqual(["inner", "inner"]);
  });

  test("what is missing leaves a file of ours as it is", async () => {
    writeFileSync("missing", "ours");
    const { type } = await start();
    expect(await type("get missing")).toBe("remote error 2: No such file or directory\n");
    expect(readFileSync("missing", "utf8")).toBe("ours");
    expect(await type("get testfile1 no/where")).toBe("local error 2: No such file or directory\n");
    expect(await type("get")).toBe("error: usage: get remote [local]\n");
  });

  test("all that match, into this directory or another", async () => {
    const { type } = await start();
    expect(await type("get testR*")).toBe(
      "Transferred /testRemoveFile to testRemoveFile\nTransferred /testRenameFile to testRenameFile\n",
    );
    mkdirSync("here");
    expect(await type("get dir/* here")).toBe("Transferred /dir/inner to here/inner\n");
    expect(readFileSync("here/inner", "utf8")).toBe("inner");
    expect(await type("get test* testRemoveFile")).toBe("Wildcard get with non-directory target.\n");
    expect(await type("get nothing*")).toBe("");
  });

  test.each([
    [1, 32_768],
    [5, 1000],
    [64, 999],
    [3, 100_000],
  ])("with %d requests of %d bytes, and a server that gives less than is asked", async (requests, buffersize) => {
    const content = randomBytes(50_001);
    const files = new Scripted();
    files.read = (offset, length) => content.subarray(offset, offset + Math.ceil(length / 2));
    const { type } = await start({ files, requests, buffersize });
    expect(await type("get file")).toBe("Transferred /file to file\n");
    expect(readFileSync("file").equals(content)).toBe(true);
    expect(files.most).toBeLessThanOrEqual(requests);
    if (requests < 50_001 / buffersize) expect(files.most).toBe(requests);
  });

  test("more than was asked for is refused, and the first error ends it", async () => {
    const files = new Scripted();
    const { type } = await start({ files });
    vi.spyOn(ClientFile.prototype, "readChunk").mockImplementation((_, length) => succeed(Buffer.alloc(length + 1)));
    expect(await type("get file")).toBe("error: the server sends more than it was asked for\n");
    vi.restoreAllMocks();
    files.read = (offset) => {
      if (offset > 0) throw new SFTPError(4, "disk\x1b[2J is gone");
      return Buffer.alloc(32_768);
    };
    expect(await type("get file")).toBe("remote error 4: disk\\x1b[2J is gone\n");
    expect([files.closed, readdirSync(".")]).toEqual([2, ["file"]]);
  });

  test("what is no regular file is not got", async () => {
    const files = new Scripted();
    files.attrs = { permissions: 0o010644 };
    expect(await (await start({ files })).type("get pipe")).toBe("Can't get non-regular file: /pipe\n");
    expect(existsSync("pipe")).toBe(false);
  });
});

/** Sends what a test has it send: names, data. */
@implementer(ISFTPServer)
class Scripted implements ISFTPServer {
  avatar = null;
  attrs: FileAttributes = { size: 50_001, permissions: 0o100644, uid: 7, gid: 8 };
  names: (string | Buffer)[] = [];
  read: (offset: number, length: number) => Buffer = () => Buffer.from("harm");
  closed = 0;
  /** Requests that were there at a time. */
  most = 0;
  #now = 0;
  readonly set: FileAttributes[] = [];
  gotVersion = () => ({});
  realPath = (path: Buffer): Buffer => (path.length === 0 ? Buffer.from("/") : path);
  getAttrs = (): FileAttributes => this.attrs;
  setAttrs = (path: Buffer, attrs: FileAttributes): void => void this.set.push(attrs);
  openDirectory = () => ({
    [Symbol.iterator]: () => this.names.map((name): DirectoryEntry => [name, `${PNG} ${String(name)}`, {}]).values(),
    close: () => undefined,
  });
  openFile = () => ({
    close: () => void (this.closed += 1),
    getAttrs: () => this.attrs,
    readChunk: async (offset: number | bigint, length: number) => {
      this.most = Math.max(this.most, ++this.#now);
      await new Promise((later) => setImmediate(later));
      this.#now -= 1;
      return this.read(Number(offset), length);
    },
    writeChunk: refuse,
    setAttrs: refuse,
  });
  removeFile = refuse;
  renameFile = refuse;
  makeDirectory = refuse;
  removeDirectory = refuse;
  readLink = refuse;
  makeLink = refuse;
  extendedRequest = refuse;
}

function refuse(): never {
  throw new NotImplementedError("not here");
}

describe("a hostile server (S7, CL4)", () => {
  test("has no name lead out of the directory, and none act on a terminal", async () => {
    const files = new Scripted();
    files.names = [
      "../escaped",
      "/abs",
      "..",
      ".",
      "",
      "a/b",
      "bell\x07",
      "nul\0",
      "c1\x9b31m",
      Buffer.from([0x66, 0xff]),
      "ok",
    ];
    files.read = (offset) => (offset === 0 ? Buffer.from("harm") : Buffer.alloc(0));
    mkdirSync("target");
    const { type } = await start({ files });
    const printed = await type("get * target");
    expect(readdirSync(base).sort()).toEqual(["local", "served"]);
    expect(readdirSync(local)).toEqual(["target"]);
    expect(readdirSync("target", "latin1").sort()).toEqual(["c1\xc2\x9b31m", "f\xff", "ok"]);
    expect(printed).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f]/);
    expect(printed).toContain("Transferred /f\\xff to target/f\\xff\n");
    expect(await type("ls -l")).toContain("\\x1b[31mred ok\n");
  });

  test("has its names and texts be no formats, and its paths be shown escaped", async () => {
    const files = new Scripted();
    files.realPath = () => Buffer.from("/\x1b]0;title\x07%s%d");
    const { type } = await start({ files });
    expect(await type("pwd")).toBe("/\\x1b]0;title\\x07%s%d\n");
    expect(await type("rm x")).toBe("remote error 8: not here\n");
  });

  test("cannot keep us busy with names that nearly match", async () => {
    const files = new Scripted();
    files.names = ["a".repeat(20_000)];
    expect(await (await start({ files })).type("ls a*a*a*a*a*a*b")).toBe("");
  });

  test("has what it writes to standard error shown, whatever bytes it has", () => {
    let written = "";
    const session = new SSHSession(new FileTransferClient(), { write: (text) => (written += text) });
    void session.extReceived(1, Buffer.from([...Buffer.from("é\r\nline\x1b[2J"), 0xff, 0xe2, 0x82]));
    void session.extReceived(2, Buffer.from("of another type"));
    expect(written).toBe("é\nline\\x1b[2J\\xff\\xe2\\x82");
  });

  test("has the user's side closed by its end", () => {
    const session = new SSHSession(new FileTransferClient());
    let lost = 0;
    session.stdio = { loseWriteConnection: () => void (lost += 1) };
    session.loseConnection = () => {};
    void session.eofReceived();
    expect(lost).toBe(1);
  });
});

describe("put", () => {
  test("a file, to one of its name or another, which is truncated", async () => {
    writeFileSync("mine", "short");
    const { type } = await start();
    expect(await type("put mine")).toBe("Transferred mine to /mine\n");
    expect(await type("put mine testRemoveFile and more words")).toBe("Transferred mine to /testRemoveFile\n");
    expect(await type('put mine "with \\" quote"')).toBe('Transferred mine to /with " quote\n');
    for (const name of ["mine", "testRemoveFile", 'with " quote']) {
      expect(readFileSync(join(served, name), "utf8")).toBe("short");
    }
    await type("cd dir");
    expect(await type(`put ${local}/mine`)).toBe(`Transferred ${local}/mine to /dir/mine\n`);
  });

  test("all that match, and what cannot be read is told while the rest goes on", async () => {
    for (const name of ["testfile1", "b.txt", ".hidden.txt"]) writeFileSync(name, "new");
    mkdirSync("a.txt");
    const { type } = await start();
    await type("cd dir");
    expect(await type("cd ..")).toBe("");
    expect(await type("put *file1")).toBe("Transferred testfile1 to /testfile1\n");
    expect(readFileSync(join(served, "testfile1"), "utf8")).toBe("new");
    expect(await type("put *.txt dir")).toMatch(/^local error 21: .*\nTransferred b\.txt to \/dir\/b\.txt\n$/);
    expect(await type("put *nothing")).toBe("");
    expect(await type("put missing")).toBe("local error 2: No such file or directory\n");
    expect(readdirSync(join(served, "dir"))).toEqual(["b.txt", "inner"]);
  });

  test.each([
    [1, 32_768],
    [5, 1000],
    [64, 40_000],
  ])("with %d requests of %d bytes", async (requests, buffersize) => {
    const content = randomBytes(150_001);
    writeFileSync("large", content);
    const { type } = await start({ requests, buffersize });
    expect(await type("put large")).toBe("Transferred large to /large\n");
    expect(readFileSync(join(served, "large")).equals(content)).toBe(true);
  });
});

describe("other commands", () => {
  test("rm, mkdir, rmdir, rename and ln", async () => {
    const { type } = await start();
    for (const line of ["mkdir made", "rm testRemoveFile", "rename testRenameFile made/renamed", "ln link testfile1"]) {
      expect(await type(line)).toBe("");
    }
    expect(await type("mkdir made")).toBe("remote error 11: mkdir failed\n");
    expect(await type("ls -l link")).toMatch(/^l/);
    expect(lstatSync(join(served, "link")).isSymbolicLink()).toBe(true);
    expect(readdirSync(join(served, "made"))).toEqual(["renamed"]);
    expect(existsSync(join(served, "testRemoveFile"))).toBe(false);
    expect([await type("rmdir empty"), existsSync(join(served, "empty"))]).toEqual(["", false]);
    expect(await type("rename one")).toBe("error: usage: rename old new\n");
  });

  test("chmod, chown and chgrp are relative to the directory, and 0 is an owner", async () => {
    const { type } = await start();
    await type("cd dir");
    expect(await type("chmod 640 inner")).toBe("");
    expect(statSync(join(served, "dir/inner")).mode & 0o777).toBe(0o640);
    expect(await type("chmod 888 inner")).toBe('error: "888" is no mode in octal\n');
    const files = new Scripted();
    const other = await start({ files });
    expect([await other.type("chown 0 x"), await other.type("chgrp 0 x")]).toEqual(["", ""]);
    expect(files.set).toEqual([
      { uid: 0, gid: 8 },
      { uid: 7, gid: 0 },
    ]);
    expect(await other.type("chown root x")).toBe('error: "root" is no number of an owner\n');
  });

  test("lls, lmkdir, exec and ! run here, by the user's shell", async () => {
    const { type, commands } = await start();
    const users = new UserDatabase();
    commands._pwd = users;
    expect(await type("lmkdir one two")).toBe("");
    expect(await type("lls")).toBe("one\ntwo\n");
    expect(await type("exec echo out; echo err >&2")).toBe("out\nerr\n");
    expect(await type("!echo hello")).toBe("hello\n");
    const { username, uid } = userInfo();
    users.addUser(username, "", uid, 1234, "", "", process.execPath);
    chmodSync(local, 0o755);
    expect(await type("exec print(1 + 2)")).toMatch(/Cannot find module|bad option|SyntaxError/);
  });

  test("progress, version and help", async () => {
    const { type } = await start();
    expect([await type("progress"), await type("progress")]).toEqual([
      "Using progess bar.\n",
      "Not using progess bar.\n",
    ]);
    expect(await type("version")).toBe("SFTP version 3\n");
    const help = await type("?");
    expect(help).toMatch(/^Available commands:\n/);
    expect(help).toMatch(/^pwd {29}\S/m);
    expect([await type("help"), await type("nonsense"), await type("constructor")]).toEqual([help, help, help]);
  });

  test("what a command of a subclass throws or rejects with is told", async () => {
    const { type, commands } = await start();
    Object.assign(commands, {
      cmd_THROWS: () => {
        throw new Error("oops\x1b");
      },
      cmd_REJECTS: () => Promise.reject(new Error("")),
      cmd_ODD: () => Promise.reject("text"),
    });
    expect([await type("throws"), await type("rejects"), await type("odd")]).toEqual([
      "error: oops\\x1b\n",
      "error: Error\n",
      "error: text\n",
    ]);
  });

  test.each(["exit", "QUIT"])("%s closes the session", async (word) => {
    const { commands, transport } = await start();
    transport.clear();
    await commands.dataReceived(Buffer.from(`${word}\n`));
    expect([commands.finished, transport.value().toString()]).toEqual([true, ""]);
  });

  test.each(['rm "open', 'rm "a\\b"', "rm", "  chmod x"])("%j is told of, and the prompt comes once", async (line) => {
    expect(await (await start()).type(line)).toMatch(/^error: .+\n$/);
  });

  test("a server that goes is told of", async () => {
    const { type, client } = await start();
    client.transport!.loseConnection();
    void client.connectionLost();
    expect(await type("ls")).toBe("error: the connection is gone\n");
  });
});

test("lines that come at once are done one after the other, and the end of them is the end", async () => {
  const { commands, transport } = await start();
  transport.clear();
  await commands.dataReceived(Buffer.from("mkdir x\nmkdir x/y\n\nls x\npwd"));
  void commands.readConnectionLost();
  while (!commands.finished) await new Promise((later) => setImmediate(later));
  expect(transport.value().toString()).toBe("cftp> cftp> cftp> y\ncftp> /\ncftp> ");
});

describe("names of files", () => {
  test.each([
    ["\t ", ["", ""]],
    ["", ["", ""]],
    ["only-local", ["only-local", ""]],
    [" local  remote file  ", ["local", "remote file"]],
    [' " local file "  " remote  file " ', [" local file ", '" remote  file "']],
    ["'it\\'s' \"x\"", ["it's", '"x"']],
    ['"a\\\\b"', ["a\\b", ""]],
    ["a\\ b", ["a\\", "b"]],
  ])("%j", async (line, expected) => {
    expect((await start()).commands._getFilename(line)).toEqual(expected);
  });
});

describe("the progress bar", () => {
  test.each([
    [10_240, 4096, 2, "\rsample   40% 4.0kB 2.0kBps 00:03 "],
    [10_240, 0, 0, "\rsample      0% 0.0B 0.0Bps 00:00 "],
    [0, 0, 0, "\rsample    100% 0.0B 0.0Bps 00:00 "],
  ])("of %d bytes, %d after %d s", async (size, total, seconds, expected) => {
    const { commands, transport } = await start();
    transport.clear();
    const clock = new Clock();
    commands.reactor = clock;
    commands.terminal = { columns: 34 };
    const file = Object.assign(new FileWrapper({ name: "sample" }), { size, total });
    const begun = clock.seconds();
    clock.advance(seconds);
    commands._printProgressBar(file, begun);
    expect(transport.value().toString()).toBe(expected);
  });

  test("is drawn for each chunk and at the end", async () => {
    writeFileSync("file", "13 bytes long");
    const { type, commands } = await start({ progress: true, buffersize: 10 });
    commands.reactor = new Clock();
    commands.terminal = {};
    const lines = (await type("put file")).split(/\r|\n/);
    expect(lines.filter((line) => line.startsWith("file")).map((line) => /\d+%/.exec(line)![0])).toEqual([
      "76%",
      "100%",
      "100%",
    ]);
    expect([lines[1]!.length, lines.at(-2)]).toEqual([79, "Transferred file to /file"]);
  });

  test("sizes and times", async () => {
    const { commands } = await start();
    const sizes = [0, 1024, 1025, 1024 ** 2 + 1, 1.5 * 1024 ** 3, 1024 ** 7];
    expect(sizes.map((size) => commands._abbrevSize(size))).toEqual([
      "0.0B",
      "1024.0B",
      "1.0kB",
      "1.0MB",
      "1.5GB",
      "1048576.0PB",
    ]);
    expect([0, 3.9, 61, 3600, 3601].map((time) => commands._abbrevTime(time))).toEqual([
      "00:00",
      "00:03",
      "01:01",
      "60:00",
      "1:00:01",
    ]);
  });
});

describe("a batch", () => {
  test("is echoed, and ends with its end", async () => {
    const { printed, commands } = await start({ f: ["pwd", "", "  ls dir", "get testfile1"] });
    expect(printed).toBe(
      "cftp> pwd\n/\ncftp> \ncftp>   ls dir\ninner\ncftp> get testfile1\nTransferred /testfile1 to testfile1\n",
    );
    expect([commands.finished, commands.failed]).toEqual([true, false]);
  });

  test.each(["rm missing", "nonsense", "chmod x y", "put *.txt"])("ends with an error, as of %s", async (line) => {
    mkdirSync("a.txt");
    const { printed, commands } = await start({ f: ["pwd", line, "version"] });
    expect([commands.finished, commands.failed]).toEqual([true, true]);
    expect(printed).not.toContain("SFTP version");
  });

  test("unless the line begins with -", async () => {
    const { printed, commands } = await start({ f: ["-rm missing", "- nonsense", "version"] });
    expect(printed).toMatch(/^cftp> -rm missing\nremote error 2: .*SFTP version 3\n$/s);
    expect(commands.failed).toBe(false);
  });
});

describe("the program", () => {
  async function program(words: string[], input: string | null = "", prompted = (): void => {}) {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const seen = { printed: "", errors: "", options: null as ClientOptions | null };
    stdout.setEncoding("utf8").on("data", (text: string) => {
      seen.printed += text;
      prompted();
    });
    if (input !== null) stdin.end(input);
    await run(words, {
      stdin,
      stdout,
      stderr: { write: (text) => (seen.errors += text) },
      connect: async (options) => {
        seen.options = options;
        if (options.host === "refuses") throw new Error("connection\x1b refused");
        const conn = await connectionTo(new SFTPServerForFolder(served));
        connections.push(conn);
        return conn;
      },
    });
    return { ...seen, status: process.exitCode };
  }

  test("connects, does what it reads and ends with it", async () => {
    const { printed, errors, status, options } = await program(["-R", "2", "me@host"], "pwd\nls dir");
    expect([printed, errors, status]).toEqual(["cftp> /\ncftp> inner\ncftp> ", "", 0]);
    expect(options).toMatchObject({ host: "host", user: "me", remotePath: null, requests: 2, buffersize: 32_768 });
  });

  test("does a batch, whose error is its own", async () => {
    writeFileSync("batch", "version\n-rm x\n");
    const good = await program(["-b", "batch", "host"], null);
    expect([good.status, good.printed]).toEqual([0, expect.stringContaining("SFTP version 3\n")]);
    writeFileSync("batch", "rm x\n");
    expect((await program(["-b", "batch", "host"], null)).status).toBe(1);
    expect(await program(["-b", "none", "host"])).toMatchObject({ status: 1, printed: "", options: null });
  });

  test("gets one file", async () => {
    const { printed, status, options } = await program(["host:dir/inner", "mine"], null);
    expect([printed.replace(/^\r[^\n]*\n/, ""), status]).toEqual(["Transferred /dir/inner to mine\n", 0]);
    expect(readFileSync("mine", "utf8")).toBe("inner");
    expect(options).toMatchObject({ host: "host", user: null, remotePath: "dir/inner", localPath: "mine" });
  });

  test.each([
    [[], "Wrong number of arguments."],
    [["user@"], '"user@" is not [user@]host[:path]'],
    [["host", "local"], "a local file needs a path of the server's"],
    [["-R", "0", "host"], '"0" is no number from 1 to 1024'],
    [["-B", "x", "host"], '"x" is no number from 1 to 16777216'],
  ])("%j is an error, told with what a command line is", async (words, message) => {
    const errors = `ERROR: ${message}\nUsage: cftp [options] [user@]host[:path [localfile]]\n`;
    expect(await program(words)).toMatchObject({ status: 1, errors, options: null });
  });

  test("an address with colons stands in brackets", async () => {
    expect((await program(["a@b@[::1]:dir"], "")).options).toMatchObject({
      host: "::1",
      user: "a@b",
      remotePath: "dir",
    });
  });

  test("a connection that fails is told of", async () => {
    expect(await program(["refuses"])).toMatchObject({ status: 1, errors: "cftp: connection\\x1b refused\n" });
  });

  test.each(["other", "/no/program"])("so is a server without %s", async (subsystem) => {
    const { status, errors } = await program(["-s", subsystem, "host"]);
    expect([status, errors]).toEqual([1, expect.stringMatching(/^cftp: [^\n]+\n$/)]);
  });

  test("an output that is closed ends the session", async () => {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    let errors = "";
    const running = run(["host"], {
      stdin,
      stdout,
      stderr: { write: (text) => (errors += text) },
      connect: async () => {
        connections.push(await connectionTo(new SFTPServerForFolder(served)));
        return connections.at(-1)!;
      },
    });
    stdout.once("data", () => stdout.destroy(new Error("EPIPE")));
    await running;
    expect([process.exitCode, errors]).toEqual([1, "cftp: the session ended before its commands\n"]);
  });

  test("and one that goes", async () => {
    const running = program(["host"], null, () => connections.at(-1)!.transport!.loseConnection());
    expect(await running).toMatchObject({ status: 1, errors: "cftp: the session ended before its commands\n" });
  });
});
