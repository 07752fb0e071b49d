import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { adapt } from "@strombus/reactor/components";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PasswdEntry } from "../checkers/passwd.js";
import { ISFTPFile, ISFTPServer } from "../interfaces.js";
import {
  FileTransferServer,
  FXF_APPEND,
  FXF_CREAT,
  FXF_EXCL,
  FXF_READ,
  FXF_TRUNC,
  FXF_WRITE,
} from "../ssh/filetransfer.js";
import { SFTPServerForUnixConchUser, UnixConchUser, UnixSFTPFile } from "../unix.js";

const { uid, gid } = userInfo();

let home: string;
let files: SFTPServerForUnixConchUser;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "strombus-sftp-"));
  files = serverAt(home);
});
afterEach(() => rmSync(home, { recursive: true }));

/** Of the account that runs the tests, at home wherever a test is. */
function serverAt(pw_dir: unknown): SFTPServerForUnixConchUser {
  const entry = { pw_name: "someone", pw_uid: uid, pw_gid: gid, pw_dir, pw_shell: "/bin/sh" } as PasswdEntry;
  return new SFTPServerForUnixConchUser(new UnixConchUser("someone", entry));
}

const b = (text: string): Buffer => Buffer.from(text);
const at = (name: string): string => join(home, name);
const NEW = FXF_CREAT | FXF_WRITE | FXF_READ;

test("an account has SFTP, and is served as itself", () => {
  const { avatar } = files;
  expect(avatar.subsystemLookup["sftp"]).toBe(FileTransferServer);
  expect(adapt(ISFTPServer, avatar)).toBeInstanceOf(SFTPServerForUnixConchUser);
  expect(new FileTransferServer(null, { avatar }).client).toMatchObject({ avatar });
  expect(files.gotVersion(3, new Map())).toEqual(new Map());
  expect(() => files.extendedRequest("x", b(""))).toThrow(NotImplementedError);
});

test("a path starts at home unless it starts at the root; home may be an object with a path", () => {
  expect(files._absPath(b("a/../b")).toString()).toBe(`${home}/a/../b`);
  expect(files._absPath(b("/etc/passwd")).toString()).toBe("/etc/passwd");
  expect(serverAt({ path: "/home/x" })._absPath(b("a")).toString()).toBe("/home/x/a");
});

describe("a file", () => {
  test("is written and read anywhere, in the order of the calls", async () => {
    const file = files.openFile(b("f"), NEW, {});
    expect([file, ISFTPFile.providedBy(file), typeof file.fd]).toEqual([expect.any(UnixSFTPFile), true, "number"]);
    const done = [file.writeChunk(0, b("0123456789")), file.writeChunk(5, b("abc")), file.readChunk(4, 4)];
    const attrs = file.getAttrs();
    expect(await done[2]).toEqual(b("4abc"));
    expect(await attrs).toEqual(files.getAttrs(b("f"), true));
    expect(await file.readChunk(8, 100)).toEqual(b("89"));
    expect(await file.readChunk(10, 100)).toEqual(b(""));
    expect(await file.readChunk(2 ** 40, 100)).toEqual(b(""));
    await file.close();
    expect(readFileSync(at("f"), "utf8")).toBe("01234abc89");
  });

  test("that is closed can be neither read nor closed by the number that is another's now", async () => {
    const file = files.openFile(b("f"), NEW, {});
    const { fd } = file;
    await Promise.all([file.close(), file.close()]);
    expect(file.fd).toBeNull();
    const other = files.openFile(b("g"), NEW, {});
    expect(other.fd).toBe(fd);
    await expect(Promise.resolve(file.readChunk(0, 1))).rejects.toThrow("EBADF");
    await expect(Promise.resolve(file.writeChunk(0, b("x")))).rejects.toThrow("EBADF");
    await other.writeChunk(0, b("mine"));
    await other.close();
  });

  test("reaches no offset that a file cannot have", async () => {
    const file = files.openFile(b("f"), NEW, {});
    await expect(Promise.resolve(file.writeChunk(2n ** 63n, b("x")))).rejects.toThrow("EFBIG");
    await expect(Promise.resolve(file.readChunk(2n ** 63n, 1))).rejects.toThrow("EFBIG");
    await file.close();
    expect(statSync(at("f")).size).toBe(0);
  });

  test("is opened as its flags say", async () => {
    writeFileSync(at("f"), "before");
    const opening = (flags: number) => files.openFile(b("f"), flags, {});
    expect(() => opening(FXF_CREAT | FXF_EXCL | FXF_WRITE)).toThrow("EEXIST");
    expect(() => files.openFile(b("g"), FXF_WRITE, {})).toThrow("ENOENT");
    const appending = opening(FXF_WRITE | FXF_APPEND);
    await appending.writeChunk(0, b(" and after"));
    await appending.close();
    expect(readFileSync(at("f"), "utf8")).toBe("before and after");
    for (const flags of [FXF_READ, 0]) {
      const reading = opening(flags);
      expect(await reading.readChunk(0, 6)).toEqual(b("before"));
      await expect(Promise.resolve(reading.writeChunk(0, b("x")))).rejects.toThrow("EBADF");
      await reading.close();
    }
    await opening(FXF_WRITE | FXF_TRUNC).close();
    expect(statSync(at("f")).size).toBe(0);
  });

  test("that is a FIFO keeps nobody waiting for its other end", async () => {
    execFileSync("mkfifo", [at("fifo")]);
    expect(() => files.openFile(b("fifo"), FXF_WRITE, {})).toThrow("ENXIO");
    const reading = files.openFile(b("fifo"), FXF_READ, {});
    await expect(Promise.resolve(reading.readChunk(0, 1))).rejects.toThrow("ESPIPE");
    await reading.close();
  });

  test("that cannot have the attributes that it is to be opened with is not left open", () => {
    const before = readdirSync("/proc/self/fd").length;
    expect(() => files.openFile(b("f"), NEW, { size: 2n ** 60n })).toThrow("EFBIG");
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });

  test("is made with the permissions that are asked for, less the umask, and gets the other attributes", async () => {
    const mask = process.umask(0o027);
    try {
      await files.openFile(b("a"), NEW, { permissions: 0o606, atime: 1000, mtime: 2000 }).close();
      await files.openFile(b("b"), NEW, {}).close();
      files.makeDirectory(b("c"), { permissions: 0o40777, atime: 1000, mtime: 2000 });
      files.makeDirectory(b("d"), {});
    } finally {
      process.umask(mask);
    }
    expect(files.getAttrs(b("a"), false)).toMatchObject({ permissions: 0o100600, atime: 1000, mtime: 2000 });
    expect(files.getAttrs(b("b"), false)).toMatchObject({ permissions: 0o100750 });
    expect(files.getAttrs(b("c"), false)).toMatchObject({ permissions: 0o40750, atime: 1000, mtime: 2000 });
    expect(files.getAttrs(b("d"), false)).toMatchObject({ permissions: 0o40750 });
  });

  test("has attributes, by its path and as it is open", async () => {
    writeFileSync(at("f"), "12345");
    files.setAttrs(b("f"), { size: 3, uid, gid, permissions: 0o100640, atime: 10, mtime: 20 });
    const attrs = { size: 3, uid, gid, permissions: 0o100640, atime: 10, mtime: 20 };
    expect(files.getAttrs(b("f"), true)).toEqual(attrs);
    const file = files.openFile(b("f"), FXF_READ | FXF_WRITE, {});
    await file.setAttrs({ size: 4, permissions: 0o600, atime: 30, mtime: 40 });
    expect(await file.getAttrs()).toEqual({ ...attrs, size: 4, permissions: 0o100600, atime: 30, mtime: 40 });
    await file.setAttrs({ uid, atime: 50 }); // one without the other says nothing
    expect(await file.getAttrs()).toMatchObject({ uid, atime: 30 });
    await file.close();
  });
});

test("an avatar of the program's own, with a home, has its files served too", () => {
  const avatar = {
    getHomeDir: () => at("."),
    _runAsUser: (...calls: (() => unknown)[]) => calls.map((each) => each()).at(-1) as never,
  };
  const own = new SFTPServerForUnixConchUser(avatar);
  own.makeDirectory(b("own"), {});
  expect(own.avatar).toBe(avatar);
  expect(files.getAttrs(b("own"), false).permissions).toBe(own.getAttrs(b("own"), false).permissions);
});

describe("a path", () => {
  test("is removed and renamed", () => {
    writeFileSync(at("f"), "1");
    writeFileSync(at("g"), "2");
    files.renameFile(b("f"), b("g"));
    expect(readFileSync(at("g"), "utf8")).toBe("1");
    files.removeFile(b("g"));
    expect(() => files.removeFile(b("g"))).toThrow("ENOENT");
    files.makeDirectory(b("d"), { permissions: 0o700 });
    expect(files.getAttrs(b("d"), true)).toMatchObject({ permissions: 0o040700 });
    expect(() => files.makeDirectory(b("d"), {})).toThrow("EEXIST");
    files.removeDirectory(b("d"));
    expect(() => files.getAttrs(b("d"), true)).toThrow("ENOENT");
  });

  test("may be a link, which has attributes of its own and those of what it leads to", () => {
    writeFileSync(at("f"), "12345");
    files.makeLink(b("l"), b("f"));
    expect(files.readLink(b("l")).toString()).toBe(at("f"));
    expect(files.getAttrs(b("l"), true)).toEqual(files.getAttrs(b("f"), true));
    expect((files.getAttrs(b("l"), false).permissions ?? 0) & 0o170000).toBe(0o120000);
    expect(() => files.readLink(b("f"))).toThrow("EINVAL");
  });

  test("has a real path, also where some of it does not exist", () => {
    mkdirSync(at("d"));
    symlinkSync("d", at("l"));
    const real = (path: string) => files.realPath(b(path)).toString();
    const [there] = [real("d")];
    expect([real("l"), real("."), real("l/../d/."), real("l/new/er")]).toEqual([
      there,
      there.slice(0, -2),
      there,
      `${there}/new/er`,
    ]);
    expect([real("/"), real("/.."), real("/nowhere/../x")]).toEqual(["/", "/", "/x"]);
  });

  test("of bytes that are no UTF-8 is the same path in every call", async () => {
    const odd = Buffer.from([0x66, 0xff, 0xe9]);
    await files.openFile(odd, NEW, {}).close();
    expect([...files.openDirectory(b("."))].map(([name]) => name)).toEqual([odd]);
    expect(files.realPath(odd).subarray(-3)).toEqual(odd);
    files.makeLink(b("l"), odd);
    expect(files.readLink(b("l")).subarray(-3)).toEqual(odd);
    files.removeFile(odd);
  });
});

describe("a directory", () => {
  test("has the names that it had when it was opened, hidden ones too, with lines and attributes", () => {
    for (const name of ["a", ".hidden", "gone"]) writeFileSync(at(name), name);
    mkdirSync(at("d"));
    const listed = files.openDirectory(b("."));
    rmSync(at("gone"));
    writeFileSync(at("new"), "");
    const entries = [...listed].sort(([one], [other]) => Buffer.compare(one as Buffer, other as Buffer));
    expect(entries.map(([name]) => name)).toEqual([b(".hidden"), b("a"), b("d")]);
    expect(entries.map(([name, , attrs]) => attrs)).toEqual(
      [".hidden", "a", "d"].map((name) => files.getAttrs(b(name), false)),
    );
    expect(entries[2]![1]).toMatch(/^drwx.* d$/);
  });

  test("that is closed has no more entries, and one of many names has them all", () => {
    for (let n = 0; n < 250; n++) writeFileSync(at(`n${n}`), "");
    expect([...files.openDirectory(b("."))].length).toBe(250);
    const listed = files.openDirectory(b("."));
    const entries = listed[Symbol.iterator]();
    for (let n = 0; n < 100; n++) entries.next();
    listed.close();
    expect(entries.next().done).toBe(true);
  });

  test("that is none cannot be opened", () => {
    writeFileSync(at("f"), "");
    expect(() => files.openDirectory(b("f"))).toThrow("ENOTDIR");
  });
});
