import { execFileSync } from "node:child_process";
import fs, {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { providedBy } from "@strombus/reactor/components";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { StringTransport } from "@strombus/reactor/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ISFTPServer } from "../interfaces.js";
import * as messages from "../messages/sftp.js";
import { NS } from "../ssh/common.js";
import { type FolderFile, SFTPServerForFolder, type SFTPServerForFolderOptions } from "./folder.js";
import {
  FX_BAD_MESSAGE,
  FX_PERMISSION_DENIED,
  FXF_APPEND,
  FXF_CREAT,
  FXF_EXCL,
  FXF_READ,
  FXF_TRUNC,
  FXF_WRITE,
} from "./numbers.js";
import { FileTransferServer } from "./server.js";

const SECRET = "a secret of outside";
const NEW = FXF_WRITE | FXF_CREAT | FXF_TRUNC;

/** All of this test's, the folder that is served, and one beside it. */
let base: string;
let root: string;
let outside: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "strombus-folder-"));
  [root, outside] = [join(base, "root"), join(base, "outside")];
  for (const folder of [outside, join(outside, "sub"), join(base, "root-of-others")]) mkdirSync(folder);
  makeRoot();
  writeFileSync(join(outside, "file"), SECRET);
  writeFileSync(join(outside, "inner"), SECRET);
  writeFileSync(join(outside, "sub", "inner"), SECRET);
  writeFileSync(join(base, "root-of-others", "file"), SECRET);
});
afterEach(() => rmSync(base, { recursive: true }));

/** The folder as it is at first, whatever has become of it. */
function makeRoot(): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(join(root, "dir"), { recursive: true });
  writeFileSync(join(root, "file"), "inside");
  writeFileSync(join(root, "dir", "inner"), "deep inside");
}

const SYSTEMS = [
  ["by descriptors", "linux"],
  ["by paths", "darwin"],
] as const;

function serve(system: NodeJS.Platform, options: SFTPServerForFolderOptions = {}): SFTPServerForFolder {
  const { platform } = process;
  Object.defineProperty(process, "platform", { value: system });
  try {
    return new SFTPServerForFolder(root, options);
  } finally {
    Object.defineProperty(process, "platform", { value: platform });
  }
}

/** A path as a client sends it. */
function path(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

async function readAll(file: FolderFile): Promise<string> {
  try {
    return (await file.readChunk(0, 1000)).toString();
  } finally {
    await file.close();
  }
}

async function read(server: SFTPServerForFolder, name: string): Promise<string> {
  return readAll(server.openFile(path(name), FXF_READ, {}));
}

async function write(server: SFTPServerForFolder, name: string, data: string, flags = NEW): Promise<void> {
  const file = server.openFile(path(name), flags, {});
  try {
    await file.writeChunk(0, Buffer.from(data));
  } finally {
    await file.close();
  }
}

function list(server: SFTPServerForFolder, name: string): string[] {
  const directory = server.openDirectory(path(name));
  try {
    return [...directory].map(([filename]) => (filename as Buffer).toString("latin1")).sort();
  } finally {
    directory.close();
  }
}

/** The code of what a call throws; null when it throws nothing. */
function codeOf(call: () => unknown): unknown {
  try {
    call();
    return null;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

/** All that there is in a directory and below, with contents, modes and times. */
function snapshot(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const each = join(directory, name);
    const stat = lstatSync(each);
    const what = stat.isFile() ? readFileSync(each, "utf8") : stat.isSymbolicLink() ? readlinkSync(each) : "";
    const line = [each, stat.ino, stat.mode.toString(8), stat.uid, stat.gid, stat.nlink, stat.mtimeMs, what].join(" ");
    return stat.isDirectory() ? [line, ...snapshot(each)] : [line];
  });
}

function everythingOutside(): string[] {
  return [...readdirSync(base), ...snapshot(outside), ...snapshot(join(base, "root-of-others"))];
}

/** What is open in this process; nothing where the system does not tell. */
function descriptors(): string[] {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd") : [];
}

/** Whatever a client can ask about a path; each gives what the client gets. */
const OPERATIONS: readonly (readonly [name: string, (server: SFTPServerForFolder, name: string) => unknown])[] = [
  ["reading", read],
  ["writing", (server, name) => write(server, name, "overwritten")],
  ["appending", (server, name) => write(server, name, "appended", FXF_WRITE | FXF_APPEND)],
  ["truncating", (server, name) => server.openFile(path(name), FXF_TRUNC, {}).close()],
  ["making", (server, name) => write(server, name, "made", NEW | FXF_EXCL)],
  ["listing", (server, name) => [...list(server, name), ...longnames(server, name)]],
  ["stat", (server, name) => server.getAttrs(path(name), true).size],
  ["lstat", (server, name) => server.getAttrs(path(name), false).permissions],
  ["truncating by path", (server, name) => server.setAttrs(path(name), { size: 3 })],
  ["chmod", (server, name) => server.setAttrs(path(name), { permissions: 0o700 })],
  ["utimes", (server, name) => server.setAttrs(path(name), { atime: 1, mtime: 1 })],
  ["chown", (server, name) => server.setAttrs(path(name), { uid: process.getuid!(), gid: 1 })],
  ["renaming from it", (server, name) => server.renameFile(path(name), path("/stolen"))],
  ["renaming to it", (server, name) => server.renameFile(path("/file"), path(name))],
  ["posix-rename from it", (server, name) => server.extendedRequest(POSIX_RENAME, pair(name, "/stolen"))],
  ["posix-rename to it", (server, name) => server.extendedRequest(POSIX_RENAME, pair("/file", name))],
  ["mkdir", (server, name) => server.makeDirectory(path(name), {})],
  ["symlink", (server, name) => server.makeLink(path(name), path("/file"))],
  ["readlink", (server, name) => server.readLink(path(name))],
  ["realpath", (server, name) => server.realPath(path(name))],
  ["removing", (server, name) => server.removeFile(path(name))],
  ["rmdir", (server, name) => server.removeDirectory(path(name))],
];

const POSIX_RENAME = "posix-rename@openssh.com";

function pair(oldPath: string, newPath: string): Buffer {
  return Buffer.concat([NS(path(oldPath)), NS(path(newPath))]);
}

function longnames(server: SFTPServerForFolder, name: string): string[] {
  const directory = server.openDirectory(path(name));
  try {
    return [...directory].map(([, longname]) => longname as string);
  } finally {
    directory.close();
  }
}

/** Makes the call; says whether it gave something that only outside has, or left something open. */
async function harmless(operation: (typeof OPERATIONS)[number][1], server: SFTPServerForFolder, name: string) {
  const before = descriptors();
  let told: unknown;
  try {
    told = await operation(server, name);
  } catch (error) {
    if (error instanceof Error && "syscall" in error) told = "a failure of the system, whose text no client gets";
    else told = String(error);
  }
  expect(descriptors()).toEqual(before);
  const text = Buffer.isBuffer(told) ? told.toString("latin1") : JSON.stringify(told ?? null);
  expect(text).not.toContain(SECRET);
  expect(text).not.toMatch(new RegExp(`${root}(?!-)`)); // but links may show where they point to
}

/**
 * Lets someone else do something right before, or right after, a name is looked for the first time; says whether it was.
 */
async function meanwhile(
  when: "before" | "after",
  name: string,
  swap: () => void,
  call: () => unknown,
): Promise<boolean> {
  const originals = { openSync: fs.openSync, lstatSync: fs.lstatSync };
  let wasLookedFor = false;
  const looking = (original: (...args: unknown[]) => unknown, ...args: unknown[]): unknown => {
    const isIt = !wasLookedFor && String(args[0]).endsWith(`/${name}`);
    wasLookedFor ||= isIt;
    if (isIt && when === "before") swap();
    try {
      return original(...args);
    } finally {
      if (isIt && when === "after") swap();
    }
  };
  for (const [key, original] of Object.entries(originals)) {
    Object.assign(fs, { [key]: looking.bind(null, original as () => unknown) });
  }
  syncBuiltinESMExports();
  try {
    await call();
  } finally {
    Object.assign(fs, originals);
    syncBuiltinESMExports();
  }
  return wasLookedFor;
}

test("it provides ISFTPServer, and keeps whom it serves", () => {
  const avatar = {};
  const server = new SFTPServerForFolder(root, { avatar });
  expect(providedBy(ISFTPServer, server)).toBe(true);
  expect(server.avatar).toBe(avatar);
  expect(new SFTPServerForFolder(root).avatar).toBeNull();
});

test("a folder that is none is refused at once", () => {
  for (const [name, call] of [
    ["missing", () => new SFTPServerForFolder(join(base, "missing"))],
    ["file", () => new SFTPServerForFolder(join(root, "file"))],
    ["below a file", () => new SFTPServerForFolder(join(root, "file", "x"))],
  ] as const) {
    expect(call, name).toThrow(/^cannot serve ".*" by SFTP: it is no directory$/);
  }
});

test("Windows, whose names have other separators, is refused", () => {
  expect(() => serve("win32")).toThrow(NotImplementedError);
});

describe.each(SYSTEMS)("a folder that is served %s", (_, system) => {
  let server: SFTPServerForFolder;
  beforeEach(() => void (server = serve(system)));

  describe("files", () => {
    test("are written and read, and a path that does not start at the root starts there", async () => {
      await write(server, "/new", "some text");
      expect(await read(server, "new")).toBe("some text");
      expect(readFileSync(join(root, "new"), "utf8")).toBe("some text");
      await write(server, "dir/new", "more");
      expect(await read(server, "/dir/../dir/./new")).toBe("more");
      expect(await read(server, "//dir///inner")).toBe("deep inside");
    });

    test("end with an empty chunk, and are read and written where asked", async () => {
      const file = server.openFile(path("file"), FXF_READ | FXF_WRITE, {});
      await file.writeChunk(2, Buffer.from("SI"));
      expect((await file.readChunk(1, 4)).toString()).toBe("nSId");
      expect(await file.readChunk(6, 10)).toHaveLength(0);
      expect(await file.getAttrs()).toMatchObject({ size: 6 });
      await file.setAttrs({ size: 2 });
      await file.close();
      expect(readFileSync(join(root, "file"), "utf8")).toBe("in");
    });

    test("that exist are truncated, appended to, kept or refused by the flags", async () => {
      await write(server, "file", "OUT", FXF_WRITE);
      expect(await read(server, "file")).toBe("OUTide");
      await write(server, "file", "!", FXF_WRITE | FXF_APPEND);
      expect(await read(server, "file")).toBe("OUTide!");
      await write(server, "file", "x", NEW);
      expect(await read(server, "file")).toBe("x");
      expect(codeOf(() => server.openFile(path("file"), NEW | FXF_EXCL, {}))).toBe("EEXIST");
      expect(codeOf(() => server.openFile(path("none"), FXF_WRITE, {}))).toBe("ENOENT");
    });

    test("are made with the permissions asked for, less the umask, without setuid, setgid and sticky bit", async () => {
      const umask = process.umask(0o022);
      try {
        await server.openFile(path("plain"), NEW, {}).close();
        await server.openFile(path("asked"), NEW, { permissions: 0o107770 }).close();
        server.makeDirectory(path("plain-dir"), {});
        server.makeDirectory(path("asked-dir"), { permissions: 0o7700 });
      } finally {
        process.umask(umask);
      }
      const modes = ["plain", "asked", "plain-dir", "asked-dir"].map(
        (name) => statSync(join(root, name)).mode & 0o7777,
      );
      expect(modes).toEqual([0o644, 0o750, 0o755, 0o700]);
    });

    test("that are no regular files are not opened, and nobody waits for them", async () => {
      execFileSync("mkfifo", [join(root, "fifo")]);
      const listener = createServer().listen(join(root, "socket"));
      await once(listener, "listening");
      const before = descriptors();
      try {
        for (const flags of [FXF_READ, FXF_WRITE, FXF_READ | FXF_WRITE, NEW]) {
          for (const name of ["fifo", "socket"]) {
            expect(codeOf(() => server.openFile(path(name), flags, {}))).toBe("EACCES");
          }
          expect(codeOf(() => server.openFile(path("dir"), flags, {}))).toBe("EISDIR");
          expect(codeOf(() => server.openFile(path("/"), flags, {}))).toBe("EISDIR");
        }
        expect(codeOf(() => server.setAttrs(path("fifo"), { size: 0 }))).toBe("EACCES");
        expect(codeOf(() => server.openDirectory(path("fifo")))).toBe("ENOTDIR");
        server.setAttrs(path("fifo"), { permissions: 0o600 });
        expect(descriptors()).toEqual(before);
      } finally {
        listener.close();
        await once(listener, "close");
      }
    });

    test("that become a FIFO meanwhile are not waited for", async () => {
      const before = descriptors();
      const makeFifo = (): void => void execFileSync("mkfifo", [join(root, "new")]);
      const wasLookedFor = await meanwhile("after", "new", makeFifo, () => {
        expect(codeOf(() => server.openFile(path("new"), FXF_READ | FXF_CREAT, {}))).toBe("EACCES");
      });
      expect(wasLookedFor).toBe(true);
      expect(descriptors()).toEqual(before);
    });
  });

  describe("names", () => {
    test("are bytes, and need be no UTF-8", async () => {
      const odd = "\xff\xfe \n\x1b[31m\\;$(x)";
      await write(server, odd, "odd");
      expect(readdirSync(Buffer.from(root), { encoding: "buffer" }).map((name) => name.toString("latin1"))).toContain(
        odd,
      );
      expect(await read(server, odd)).toBe("odd");
      expect(list(server, "/")).toContain(odd);
      expect(server.realPath(path(odd)).toString("latin1")).toBe(`/${odd}`);
      server.makeLink(path("\xfe"), path(`/${odd}`));
      expect(server.readLink(path("\xfe")).toString("latin1")).toBe(odd);
      expect(await read(server, "\xfe")).toBe("odd");
      server.renameFile(path(odd), path("\xe9"));
      server.removeFile(path("\xe9"));
      expect(codeOf(() => server.getAttrs(path("\xfe"), true))).toBe("ENOENT");
    });

    test("with a NUL, and those that are too long, are refused without anything left open", async () => {
      for (const [name, code] of [
        ["file\0", "ENOENT"],
        ["\0", "ENOENT"],
        ["x/\0/../file", "ENOENT"],
        ["x".repeat(300), "ENAMETOOLONG"],
        ["./".repeat(3000), "ENAMETOOLONG"],
      ] as const) {
        const before = descriptors();
        for (const [what, operation] of OPERATIONS) {
          const asking = async (): Promise<unknown> => await operation(server, name);
          await expect(asking(), what).rejects.toMatchObject({ code });
        }
        expect(descriptors()).toEqual(before);
      }
      expect(codeOf(() => server.makeLink(path("l"), path("a\0b")))).toBe("ENOENT");
      expect(codeOf(() => server.makeLink(path("l"), path("")))).toBe("ENOENT");
    });

    test("through a file lead nowhere", () => {
      for (const name of ["file/x", "file/..", "file/../file", "dir/inner/../inner"]) {
        expect(codeOf(() => server.getAttrs(path(name), false))).toBe("ENOTDIR");
      }
    });

    test("are refused when there are so many that others would have to wait", () => {
      expect(codeOf(() => server.getAttrs(path("dir/../".repeat(500)), true))).toBe(null);
      expect(codeOf(() => server.getAttrs(path("dir/../".repeat(513)), true))).toBe("ELOOP");
    });
  });

  describe("directories", () => {
    test("are listed without . and .., with lines as ls has them", () => {
      symlinkSync("/nowhere", join(root, "link"));
      expect(list(server, "/")).toEqual(["dir", "file", "link"]);
      const directory = server.openDirectory(path(""));
      const entries = [...directory];
      directory.close();
      const [, longname, attrs] = entries.find(([name]) => String(name as Buffer) === "file")!;
      const stat = statSync(join(root, "file"));
      expect(longname).toMatch(/^-rw.{7} +1 \d+ +\d+ +6 \w+ \d\d \d\d:\d\d file$/);
      expect(attrs).toMatchObject({ size: 6, uid: stat.uid, gid: stat.gid, permissions: stat.mode });
      const [, , link] = entries.find(([name]) => String(name as Buffer) === "link")!;
      expect(link.permissions! & 0o170000).toBe(0o120000);
    });

    test("are listed as they are read: what has gone is left out, and nothing comes after the close", () => {
      for (let i = 0; i < 200; i++) writeFileSync(join(root, "dir", `n${i}`), "");
      const before = descriptors();
      const directory = server.openDirectory(path("dir"));
      const seen: unknown[] = [];
      for (const entry of directory) {
        seen.push(entry);
        if (seen.length === 1) for (let i = 0; i < 200; i++) rmSync(join(root, "dir", `n${i}`));
      }
      expect(seen.length).toBeLessThanOrEqual(2);
      directory.close();
      directory.close();
      expect([...directory]).toEqual([]);
      expect(descriptors()).toEqual(before);
    });

    test("are made and removed", () => {
      server.makeDirectory(path("/dir/more/"), {});
      expect(codeOf(() => server.makeDirectory(path("/dir/more"), {}))).toBe("EEXIST");
      expect(codeOf(() => server.makeDirectory(path("/"), {}))).toBe("EEXIST");
      expect(codeOf(() => server.removeDirectory(path("/dir")))).toBe("ENOTEMPTY");
      expect(codeOf(() => server.removeDirectory(path("/file")))).toBe("ENOTDIR");
      server.removeDirectory(path("/dir/more"));
      expect(list(server, "/dir")).toEqual(["inner"]);
      expect(codeOf(() => server.openDirectory(path("/none")))).toBe("ENOENT");
      expect(codeOf(() => server.openDirectory(path("/file")))).toBe("ENOTDIR");
    });
  });

  describe("attributes", () => {
    test("are of the link, or of what it leads to", () => {
      symlinkSync("dir/inner", join(root, "link"));
      expect(server.getAttrs(path("link"), true)).toMatchObject({ size: 11 });
      expect(server.getAttrs(path("link"), false)).toMatchObject({ size: 9 });
      expect(server.getAttrs(path("/"), true).permissions).toBe(statSync(root).mode);
    });

    test("are changed of what a link leads to, without setuid, setgid and sticky bit", async () => {
      symlinkSync("/dir/inner", join(root, "link"));
      server.setAttrs(path("link"), { size: 4, permissions: 0o6711, atime: 100, mtime: 200 });
      expect(server.getAttrs(path("dir/inner"), false)).toMatchObject({
        size: 4,
        permissions: 0o100711,
        atime: 100,
        mtime: 200,
      });
      server.setAttrs(path("dir"), { permissions: 0o1755, mtime: 300, atime: 300 });
      expect(server.getAttrs(path("dir"), false)).toMatchObject({ permissions: 0o40755, mtime: 300 });
      const file = server.openFile(path("file"), FXF_READ, {});
      await file.setAttrs({ permissions: 0o7700 });
      expect(await file.getAttrs()).toMatchObject({ permissions: 0o100700 });
      await file.close();
      expect(codeOf(() => server.setAttrs(path("none"), {}))).toBe("ENOENT");
      expect(codeOf(() => server.setAttrs(path("dir"), { size: 0 }))).toBe("EISDIR");
    });
  });

  describe("renaming", () => {
    test("moves files, directories and links", async () => {
      symlinkSync("file", join(root, "link"));
      server.renameFile(path("file"), path("dir/moved"));
      server.renameFile(path("dir"), path("folder"));
      server.renameFile(path("link"), path("folder/link"));
      expect(list(server, "/")).toEqual(["folder"]);
      expect(list(server, "folder")).toEqual(["inner", "link", "moved"]);
      expect(await read(server, "folder/moved")).toBe("inside");
      expect(lstatSync(join(root, "folder/moved")).nlink).toBe(1);
    });

    test("replaces nothing", () => {
      symlinkSync("nowhere", join(root, "link"));
      const before = snapshot(root);
      for (const [from, to] of [
        ["file", "dir/inner"],
        ["file", "dir"],
        ["file", "link"],
        ["file", "file"],
        ["dir", "file"],
        ["link", "file"],
      ] as const) {
        expect(codeOf(() => server.renameFile(path(from), path(to)))).toBe("EEXIST");
      }
      expect(codeOf(() => server.renameFile(path("none"), path("new")))).toBe("ENOENT");
      expect(codeOf(() => server.renameFile(path("dir"), path("dir/sub")))).toBe("EINVAL");
      expect(codeOf(() => server.renameFile(path("/"), path("dir/sub")))).not.toBeNull();
      expect(snapshot(root)).toEqual(before);
    });

    test("replaces no file that comes in between", async () => {
      const comeFirst = (): void => writeFileSync(join(root, "new"), "came first");
      await meanwhile("after", "new", comeFirst, () => {
        expect(codeOf(() => server.renameFile(path("file"), path("new")))).toBe("EEXIST");
      });
      expect(readFileSync(join(root, "new"), "utf8")).toBe("came first");
      expect(readFileSync(join(root, "file"), "utf8")).toBe("inside");
    });

    test("moves a file also where the system makes no second link to it", () => {
      const { linkSync } = fs;
      fs.linkSync = () => {
        throw Object.assign(new Error("EPERM: operation not permitted, link"), { code: "EPERM" });
      };
      syncBuiltinESMExports();
      try {
        server.renameFile(path("file"), path("dir/moved"));
        expect(codeOf(() => server.renameFile(path("dir/moved"), path("dir/inner")))).toBe("EEXIST");
      } finally {
        fs.linkSync = linkSync;
        syncBuiltinESMExports();
      }
      expect(list(server, "dir")).toEqual(["inner", "moved"]);
    });

    test("as OpenSSH has it replaces, and has no reply of its own", async () => {
      expect([...server.gotVersion(3, new Map())]).toEqual([[POSIX_RENAME, "1"]]);
      expect(server.extendedRequest(POSIX_RENAME, pair("file", "dir/inner"))).toBeUndefined();
      expect(list(server, "/")).toEqual(["dir"]);
      expect(await read(server, "dir/inner")).toBe("inside");
      expect(codeOf(() => server.extendedRequest(POSIX_RENAME, pair("none", "dir/inner")))).toBe("ENOENT");
    });

    test("as OpenSSH has it is refused when it is malformed; there is no other extension", () => {
      for (const data of [Buffer.alloc(0), NS("file"), Buffer.concat([pair("file", "x"), NS("more")])]) {
        expect(codeOf(() => server.extendedRequest(POSIX_RENAME, data))).toBe(FX_BAD_MESSAGE);
      }
      for (const name of ["hardlink@openssh.com", "statvfs@openssh.com", "constructor"]) {
        expect(() => server.extendedRequest(name, pair("file", "x"))).toThrow(NotImplementedError);
      }
      expect(list(server, "/")).toEqual(["dir", "file"]);
    });
  });

  describe("the canonical path", () => {
    test("starts at the client's root and has no links; what there is not is kept", () => {
      symlinkSync("/dir", join(root, "link"));
      symlinkSync("missing", join(root, "dangling"));
      for (const [from, to] of [
        ["", "/"],
        [".", "/"],
        ["/", "/"],
        ["..", "/"],
        ["dir/", "/dir"],
        ["link/inner", "/dir/inner"],
        ["link/..", "/"],
        ["link/none", "/dir/none"],
        ["link/none/more/../x", "/dir/none/x"],
        ["none/../../../x", "/x"],
        ["dangling", "/missing"],
      ] as const) {
        expect(server.realPath(path(from)).toString(), from).toBe(to);
      }
    });
  });

  describe("links", () => {
    test("that are made hold the way to their target from where they are", async () => {
      server.makeDirectory(path("a"), {});
      server.makeDirectory(path("a/b"), {});
      symlinkSync("a/b", join(root, "ab"));
      for (const [link, target, stored] of [
        ["a/b/l1", "/dir/inner", "../../dir/inner"],
        ["ab/l2", "/dir/inner", "../../dir/inner"],
        ["l3", "/dir/inner", "dir/inner"],
        ["a/b/l4", "/a/b", "."],
        ["a/l5", "/", ".."],
        ["l6", "/", "."],
        ["l7", "/../../dir/inner", "dir/inner"],
        ["a/b/l8", "../../dir/inner", "../../dir/inner"],
        ["l9", "dir/inner", "dir/inner"],
        ["l10", "missing", "missing"],
        ["a/l11", "b/../../dir/inner", "../dir/inner"],
      ] as const) {
        server.makeLink(path(link), path(target));
        expect(server.readLink(path(link)).toString()).toBe(stored);
        if (target.endsWith("inner")) expect(await read(server, link)).toBe("deep inside");
      }
      expect(readFileSync(join(root, "a/b/l1"), "utf8")).toBe("deep inside");
      expect(codeOf(() => server.makeLink(path("file"), path("dir")))).toBe("EEXIST");
      expect(codeOf(() => server.makeLink(path("/"), path("dir")))).toBe("EEXIST");
      expect(codeOf(() => server.readLink(path("file")))).toBe("EINVAL");
      expect(codeOf(() => server.readLink(path("none")))).toBe("ENOENT");
    });

    test("S5: that would point outside are not made", () => {
      server.makeDirectory(path("dir/sub"), {});
      symlinkSync("dir/sub", join(root, "link"));
      const before = snapshot(root);
      for (const [link, target] of [
        ["l", ".."],
        ["l", "../outside/file"],
        ["l", "../root-of-others/file"],
        ["l", "../root/file"],
        ["l", "dir/../../outside"],
        ["dir/l", "../../outside/file"],
        ["dir/sub/l", "../../../outside/file"],
        ["link/l", "../../../outside/file"],
        ["dir/sub/../l", "../../outside/file"],
        ["l", "./../outside"],
        ["l", ".//..//outside"],
      ] as const) {
        const before = descriptors();
        expect(
          codeOf(() => server.makeLink(path(link), path(target))),
          `${link} ${target}`,
        ).toBe(FX_PERMISSION_DENIED);
        expect(descriptors()).toEqual(before);
      }
      expect(snapshot(root)).toEqual(before);
    });

    test("S5: lead nowhere outside by way of each other either, not even for other programs", () => {
      server.makeDirectory(path("dir/sub"), {});
      server.makeLink(path("dir/sub/up"), path("/"));
      server.makeLink(path("dir/sub/out"), path("up/../../outside/file"));
      expect(server.readLink(path("dir/sub/out")).toString()).toBe("../outside/file");
      expect(existsSync(join(root, "dir/sub/out"))).toBe(false);
    });

    test("S5: of others, with an absolute target, are shown as they are and followed from the root", async () => {
      symlinkSync("/dir/inner", join(root, "absolute"));
      expect(server.readLink(path("absolute")).toString()).toBe("/dir/inner");
      expect(await read(server, "absolute")).toBe("deep inside");
      symlinkSync("../../../dir/inner", join(root, "dir", "relative"));
      expect(await read(server, "dir/relative")).toBe("deep inside");
    });

    test("S5: to outside lead to what has that path inside", async () => {
      symlinkSync(join(outside, "file"), join(root, "link"));
      expect(codeOf(() => server.openFile(path("link"), FXF_READ, {}))).toBe("ENOENT");
      mkdirSync(join(root, outside), { recursive: true });
      writeFileSync(join(root, outside, "file"), "the one inside");
      expect(await read(server, "link")).toBe("the one inside");
      await write(server, "link", "changed");
      expect(readFileSync(join(outside, "file"), "utf8")).toBe(SECRET);
      expect(readFileSync(join(root, outside, "file"), "utf8")).toBe("changed");
      symlinkSync(join(outside, "new"), join(root, "dangling"));
      await write(server, "dangling", "new");
      expect(existsSync(join(outside, "new"))).toBe(false);
      expect(readFileSync(join(root, outside, "new"), "utf8")).toBe("new");
    });

    test("in a loop, or more than 40, are followed no further", async () => {
      symlinkSync("loop2", join(root, "loop1"));
      symlinkSync("/loop1", join(root, "loop2"));
      symlinkSync("self/x", join(root, "self"));
      const before = descriptors();
      for (const name of ["loop1", "loop1/x", "self", "dir/../loop2"]) {
        expect(codeOf(() => server.getAttrs(path(name), true))).toBe("ELOOP");
        expect(codeOf(() => server.realPath(path(name)))).toBe("ELOOP");
        expect(codeOf(() => server.openFile(path(name), NEW, {}))).toBe("ELOOP");
      }
      expect(descriptors()).toEqual(before);
      symlinkSync("file", join(root, "l1"));
      for (let i = 2; i <= 41; i++) symlinkSync(`l${i - 1}`, join(root, `l${i}`));
      expect(await read(server, "l40")).toBe("inside");
      expect(codeOf(() => server.openFile(path("l41"), FXF_READ, {}))).toBe("ELOOP");
    });

    test("make no path so long that others would have to wait", () => {
      const detour = "dir/../".repeat(500);
      symlinkSync(`${detour}file`, join(root, "l1"));
      symlinkSync(`${detour}l1`, join(root, "l2"));
      symlinkSync(`${detour}l2`, join(root, "l3"));
      expect(codeOf(() => server.getAttrs(path("l1"), true))).toBe(null);
      expect(codeOf(() => server.getAttrs(path("l3"), true))).toBe("ELOOP");
    });

    test("are removed and renamed themselves, and no file is made through one where it must be new", () => {
      symlinkSync("file", join(root, "link"));
      expect(codeOf(() => server.openFile(path("link"), NEW | FXF_EXCL, {}))).toBe("EEXIST");
      symlinkSync("missing", join(root, "dangling"));
      expect(codeOf(() => server.openFile(path("dangling"), NEW | FXF_EXCL, {}))).toBe("EEXIST");
      server.renameFile(path("link"), path("moved"));
      expect(readlinkSync(join(root, "moved"))).toBe("file");
      server.removeFile(path("moved"));
      expect(list(server, "/")).toEqual(["dangling", "dir", "file"]);
    });
  });

  describe("S5: no way out", () => {
    /** Links, by their names in the folder, to targets of this test; and the paths that a client tries. */
    const WAYS: readonly (readonly [
      name: string,
      links: () => Readonly<Record<string, string>>,
      paths: () => string[],
    ])[] = [
      [
        "up from the root",
        () => ({}),
        () => ["..", "../", "/..", "../outside/file", "/../outside/inner", "../root/../outside"],
      ],
      [
        "up from below",
        () => ({}),
        () => ["dir/../../outside/file", `dir/${"../".repeat(40)}${outside.slice(1)}/file`],
      ],
      [
        "a folder with a name that begins alike",
        () => ({}),
        () => ["../root-of-others/file", "-of-others/file", "../root-of-others"],
      ],
      [
        "an absolute path of the system",
        () => ({}),
        () => [join(outside, "file"), outside, join(base, "root-of-others", "file"), "/etc/passwd"],
      ],
      [
        "an absolute link",
        () => ({ link: outside }),
        () => ["link", "link/", "link/file", "link/sub/inner", "link/../outside/file"],
      ],
      ["an absolute link to a file", () => ({ link: join(outside, "file") }), () => ["link", "link/.", "dir/../link"]],
      [
        "a relative link",
        () => ({ link: "../outside", "dir/link": "../../outside/sub" }),
        () => ["link", "link/file", "dir/link/inner"],
      ],
      ["a relative link to a file", () => ({ link: "../outside/file" }), () => ["link"]],
      ["a link to the root's name", () => ({ link: "../root/../outside/file" }), () => ["link"]],
      [
        "a link to links",
        () => ({ a: "dir/b", "dir/b": "/c", c: "../outside" }),
        () => ["a", "a/file", "dir/b/file", "c/sub/inner"],
      ],
      [
        "a link in the middle",
        () => ({ "dir/link": "../../outside" }),
        () => ["dir/link/sub/inner", "dir/link/sub", "dir/link/new"],
      ],
      ["a link and back", () => ({ link: "dir" }), () => ["link/../../outside/file", "link/../../../outside"]],
      [
        "the system's own links",
        () => ({ link: "/proc/self/root", cwd: "/proc/self/cwd" }),
        () => [`link${outside}/file`, "cwd/x"],
      ],
      [
        "a link to what is not there",
        () => ({ link: "../outside/new", absolute: join(outside, "new") }),
        () => ["link", "absolute"],
      ],
    ];

    test.each(WAYS)("by %s, whatever is asked", async (_name, links, paths) => {
      const before = everythingOutside();
      for (const [what, operation] of OPERATIONS) {
        makeRoot();
        for (const name of paths()) {
          for (const [link, target] of Object.entries(links())) {
            rmSync(join(root, link), { force: true });
            symlinkSync(target, join(root, link));
          }
          await harmless(operation, server, name);
          expect(everythingOutside(), `${what}: ${name}`).toEqual(before);
          for (const stray of ["stolen", "outside"]) rmSync(join(root, stray), { recursive: true, force: true });
          if (!existsSync(join(root, "file"))) writeFileSync(join(root, "file"), "inside");
        }
      }
    });

    test("by a directory that becomes a link between two calls, whatever is asked", async () => {
      const before = everythingOutside();
      for (const [what, operation] of OPERATIONS) {
        makeRoot();
        expect(list(server, "dir")).toEqual(["inner"]);
        renameSync(join(root, "dir"), join(root, "was"));
        symlinkSync(outside, join(root, "dir"));
        for (const name of ["dir/inner", "dir/file", "dir/sub", "dir"]) await harmless(operation, server, name);
        expect(everythingOutside(), what).toEqual(before);
      }
    });

    test("by a folder that is itself moved away and replaced by a link", () => {
      const directory = server.openDirectory(path("dir"));
      renameSync(join(root, "dir"), join(root, "was"));
      symlinkSync(outside, join(root, "dir"));
      if (system === "linux") {
        expect([...directory].map(([, longname]) => (longname as string).slice(-5))).toEqual(["inner"]);
      }
      directory.close();
    });
  });

  describe("that cannot be changed", () => {
    beforeEach(() => void (server = serve(system, { readOnly: true })));

    test("is read", async () => {
      expect(await read(server, "file")).toBe("inside");
      expect(list(server, "/")).toEqual(["dir", "file"]);
      expect(server.getAttrs(path("file"), true)).toMatchObject({ size: 6 });
      expect(server.realPath(path("x")).toString()).toBe("/x");
      const file = server.openFile(path("file"), FXF_READ, { permissions: 0, size: 0, atime: 1, mtime: 1 });
      expect(await file.getAttrs()).toMatchObject({ size: 6 });
      await file.close();
    });

    test("refuses all else", async () => {
      const before = snapshot(root);
      const open = descriptors();
      for (const flags of [
        FXF_WRITE,
        FXF_READ | FXF_WRITE,
        FXF_APPEND,
        FXF_READ | FXF_APPEND,
        FXF_CREAT,
        FXF_READ | FXF_CREAT,
        FXF_TRUNC,
        FXF_READ | FXF_TRUNC,
        NEW | FXF_EXCL,
      ]) {
        for (const name of ["file", "new"]) {
          expect(codeOf(() => server.openFile(path(name), flags, {}))).toBe(FX_PERMISSION_DENIED);
        }
      }
      for (const call of [
        () => server.removeFile(path("file")),
        () => server.renameFile(path("file"), path("new")),
        () => server.makeDirectory(path("new"), {}),
        () => server.removeDirectory(path("dir")),
        () => server.setAttrs(path("file"), { permissions: 0o600 }),
        () => server.setAttrs(path("file"), {}),
        () => server.makeLink(path("new"), path("file")),
        () => server.extendedRequest(POSIX_RENAME, pair("file", "new")),
      ]) {
        expect(codeOf(call)).toBe(FX_PERMISSION_DENIED);
      }
      const file = server.openFile(path("file"), FXF_READ, {});
      await expect(file.setAttrs({ permissions: 0o600 })).rejects.toMatchObject({ code: FX_PERMISSION_DENIED });
      await expect(file.writeChunk(0, Buffer.from("x"))).rejects.toMatchObject({ code: "EBADF" });
      await file.close();
      expect(snapshot(root)).toEqual(before);
      expect(descriptors()).toEqual(open);
    });
  });

  test("a client is told nothing of where the folder is", () => {
    symlinkSync("loop", join(root, "loop"));
    const { told } = asked(server, messages.Realpath.encode({ id: 1, path: "." }), messages.Realpath.number);
    expect(told).toContain("/");
    for (const name of ["none", "loop", "file/x", "dir/inner", "..", "\0", join(outside, "file")]) {
      for (const [number, body] of [
        [messages.Realpath.number, messages.Realpath.encode({ id: 1, path: name })],
        [messages.Stat.number, messages.Stat.encode({ id: 1, path: name })],
        [messages.Readlink.number, messages.Readlink.encode({ id: 1, path: name })],
        [messages.Remove.number, messages.Remove.encode({ id: 1, path: name })],
        [messages.Rmdir.number, messages.Rmdir.encode({ id: 1, path: name })],
        [messages.Open.number, messages.Open.encode({ id: 1, filename: name, flags: FXF_READ, attrs: {} })],
        [messages.Opendir.number, messages.Opendir.encode({ id: 1, path: name })],
        [messages.Mkdir.number, messages.Mkdir.encode({ id: 1, path: name, attrs: {} })],
      ] as const) {
        const { told } = asked(server, body, number);
        expect(told.replaceAll(name, "")).not.toContain(base);
        expect(told).not.toContain("/proc/");
      }
    }
  });

  test("a rename as OpenSSH has it is answered with a status by the server of SFTP", () => {
    const { kind } = asked(
      server,
      messages.Extended.encode({ id: 7, name: POSIX_RENAME, data: pair("file", "dir/inner") }),
      messages.Extended.number,
    );
    expect(kind).toBe(messages.Status.number);
    expect(list(server, "/")).toEqual(["dir"]);
  });
});

/** The answer to one request. */
function asked(server: SFTPServerForFolder, body: Buffer, number: number): { kind: number; told: string } {
  const sftp = new FileTransferServer(null, { avatar: server });
  const transport = new StringTransport();
  void sftp.makeConnection(transport);
  void sftp.dataReceived(NS(Buffer.concat([Buffer.of(number), body])));
  const answer = transport.value();
  void sftp.connectionLost();
  return { kind: answer[4]!, told: answer.subarray(5).toString("latin1") };
}

describe.runIf(process.platform === "linux")("S5: whoever changes the tree while a path is walked", () => {
  let server: SFTPServerForFolder;
  beforeEach(() => void (server = serve("linux")));

  const swapDirectory = (): void => {
    renameSync(join(root, "dir"), join(root, "was"));
    symlinkSync(outside, join(root, "dir"));
  };
  const swapFile = (): void => {
    renameSync(join(root, "dir", "inner"), join(root, "dir", "was"));
    symlinkSync("../../outside/inner", join(root, "dir", "inner"));
  };
  const swapFileForDirectory = (): void => {
    renameSync(join(root, "dir", "inner"), join(root, "dir", "was"));
    symlinkSync("../../outside/sub", join(root, "dir", "inner"));
  };
  const plant = (): void => symlinkSync("../../outside/new", join(root, "dir", "new"));
  const moveOut = (): void => renameSync(join(root, "dir"), join(root, "was"));

  const SWAPS: readonly (readonly [string, "before" | "after", string, () => void, string])[] = [
    ["a directory for a link before it is found", "before", "dir", swapDirectory, "dir/inner"],
    ["a directory for a link when it is found", "after", "dir", swapDirectory, "dir/inner"],
    ["a directory for a link when it is found, for what is new", "after", "dir", swapDirectory, "dir/new"],
    ["a directory for a link before the last name is found", "before", "inner", swapDirectory, "dir/inner"],
    ["a directory for a link when all is found", "after", "inner", swapDirectory, "dir/inner"],
    ["a directory for a link before going up from it", "after", "dir", swapDirectory, "dir/../dir/inner"],
    ["a file for a link before it is found", "before", "inner", swapFile, "dir/inner"],
    ["a file for a link when it is found", "after", "inner", swapFile, "dir/inner"],
    ["a file for a link to a directory when it is found", "after", "inner", swapFileForDirectory, "dir/inner"],
    ["nothing for a link when nothing is found", "after", "new", plant, "dir/new"],
    ["the place of a directory", "after", "dir", moveOut, "dir/../outside/file"],
  ];

  test.each(SWAPS)("and swaps %s, leads nowhere, whatever is asked", async (_swap, when, name, swap, asked) => {
    const before = everythingOutside();
    for (const [what, operation] of OPERATIONS) {
      makeRoot();
      expect(await meanwhile(when, name, swap, () => harmless(operation, server, asked)), what).toBe(true);
      expect(everythingOutside(), what).toEqual(before);
    }
  });

  test("has what was found read, not what has its name now", async () => {
    await meanwhile("after", "inner", swapFile, async () => {
      expect(await read(server, "dir/inner")).toBe("deep inside");
    });
    expect(await read(server, "dir/was")).toBe("deep inside");
  });

  test("has what was found changed, not what has its name now", async () => {
    await meanwhile("after", "inner", swapFile, () => {
      server.setAttrs(path("dir/inner"), { permissions: 0o700, size: 4, mtime: 5, atime: 5 });
    });
    expect(server.getAttrs(path("dir/was"), false)).toMatchObject({ permissions: 0o100700, size: 4, mtime: 5 });
  });

  test("has an open directory listed, not what has its name now", () => {
    for (let i = 0; i < 50; i++) writeFileSync(join(root, "dir", `n${i}`), "x");
    const directory = server.openDirectory(path("dir"));
    const entries = directory[Symbol.iterator]();
    entries.next();
    swapDirectory();
    let count = 1;
    for (let step = entries.next(); step.done !== true; step = entries.next()) count += 1;
    expect(count).toBe(51);
    directory.close();
  });

  test("cannot have a directory that was moved out followed up to where it is", async () => {
    renameSync(join(root, "dir"), join(root, "was"));
    mkdirSync(join(root, "dir"));
    const moveToOutside = (): void => renameSync(join(root, "dir"), join(outside, "dir"));
    await meanwhile("after", "dir", moveToOutside, () => {
      expect(codeOf(() => server.getAttrs(path("dir/../inner"), true))).toBe("ENOENT");
    });
  });

  test("cannot have a second link to a file of outside made by a rename", async () => {
    const before = lstatSync(join(outside, "inner")).nlink;
    await meanwhile("after", "inner", swapFile, () => {
      const attempt = codeOf(() => server.renameFile(path("dir/inner"), path("new")));
      expect([null, "ENOENT", "EPERM"]).toContain(attempt);
    });
    expect(lstatSync(join(outside, "inner")).nlink).toBe(before);
  });
});
