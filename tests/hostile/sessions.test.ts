/** What a client can ask of a session, and what programs and hostile texts come to (rules S1 to S4, CL6). */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConchUser } from "@strombus/conch/avatar";
import { Permissions, restrict } from "@strombus/conch/permissions";
import { Key } from "@strombus/conch/ssh/keys";
import { ISession, ISessionSetEnv, SSHSession, type SSHSessionProcessProtocol } from "@strombus/conch/ssh/session";
import { SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { sessionProgram, type SessionIO } from "@strombus/conch/streams";
import { SSHSessionForUnixConchUser, UnixConchUser } from "@strombus/conch/unix";
import { reactor } from "@strombus/reactor";
import { implementer } from "@strombus/reactor/components";
import { ProcessDone } from "@strombus/reactor/error";
import type { Failure } from "@strombus/reactor/failure";
import type { SpawnProcessOptions } from "@strombus/reactor/interfaces";
import { ProcessProtocol } from "@strombus/reactor/protocol";
import { MemoryReactor } from "@strombus/reactor/testing";
import { afterAll, describe, expect, test } from "vitest";
import { NAMES } from "../support/hostile-names.js";
import { conversation, type Conversation, type Field, openedBy } from "../support/memory-connection.js";
import { fields, secured } from "../support/memory-ssh.js";
import { ownAccount } from "../support/own-account.js";

const texts = Object.values(NAMES).filter((each) => each.length < 1000);
const folder = mkdtempSync(join(tmpdir(), "strombus-sessions-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Shell extends Conversation {
  /** Our number of the session. */
  readonly id: number;
  readonly ask: (type: string, ...values: Field[]) => Promise<boolean>;
}

async function sessionOf(user: ConchUser): Promise<Shell> {
  const talk = await conversation("server", user);
  const id = await openedBy(talk, "session");
  return Object.assign(talk, {
    id,
    async ask(type: string, ...values: Field[]) {
      const before = talk.got(99).length;
      await talk.send(98, id, type, true, ...values);
      return talk.got(99).length > before;
    },
  });
}

/** A session of an account, whose processes a test plays. */
async function accountSession() {
  const world = new MemoryReactor();
  const user = new UnixConchUser(ownAccount.pw_name, ownAccount);
  const Channel = user.channelLookup["session"] as new (options: object) => SSHSession;
  user.channelLookup["session"] = (options) => {
    const channel = new Channel(options);
    channel.session = new SSHSessionForUnixConchUser(user, world);
    return channel;
  };
  user.subsystemPrograms.set("sftp", "/usr/lib/sftp-server");
  return Object.assign(await sessionOf(user), { processes: world.processes });
}

/** A session of a user whose `ISession` notes what it is asked. */
async function notedSession() {
  const events: string[] = [];
  @implementer(ISession, ISessionSetEnv)
  class Noted implements ISession, ISessionSetEnv {
    getPty(term: string, size: readonly number[]): void {
      events.push(`pty ${term} ${size.join()}`);
    }
    setEnv(name: Buffer): void {
      events.push(`env ${name.toString()}`);
    }
    windowChanged(size: readonly number[]): void {
      events.push(`size ${size.join()}`);
    }
    openShell(_proto: SSHSessionProcessProtocol): void {
      events.push("shell");
    }
    execCommand(_proto: SSHSessionProcessProtocol, command: Buffer): void {
      events.push(`exec ${command.toString()}`);
    }
    eofReceived(): void {}
    closed(): void {
      events.push("closed");
    }
  }
  const user = new ConchUser();
  user.channelLookup["session"] = (options) => Object.assign(new SSHSession(options), { session: new Noted() });
  return Object.assign(await sessionOf(user), { events });
}

describe("the environment", () => {
  /** Names that mean something to programs, and texts that are no names. */
  const ATTACKS = {
    "CVE-2024-39930": ["--split-string", "-S", "-i", "LC_ALL=x", "LC_-S", "LC_\n--split-string"],
    "CVE-2024-41956": ["GIT_EXTERNAL_DIFF", "GIT_CONFIG_COUNT", "GIT_SSH_COMMAND", "GIT_PROTOCOL", "GIT_DIR", "PAGER"],
    others: [
      "LD_PRELOAD",
      "LD_LIBRARY_PATH",
      "PATH",
      "HOME",
      "BASH_ENV",
      "ENV",
      "NODE_OPTIONS",
      "IFS",
      "SHELL",
      "TERM",
    ],
    nonsense: ["", "LANGUAGE", "lang", "LC", "LC_", "LC_ALL ", "__proto__", "LC_A\0", `LC_${"A".repeat(100)}`],
  };

  for (const [what, names] of Object.entries(ATTACKS)) {
    test(`S1: CVE-2024-39930, CVE-2024-41956: takes no variable that is not listed (${what})`, async () => {
      const talk = await accountSession();
      for (const name of names) expect([name, await talk.ask("env", name, "evil")]).toEqual([name, false]);
      expect(await talk.ask("env", "LANG", "C.UTF-8")).toBe(true);
      expect(await talk.ask("env", "LC_TIME", "evil\0")).toBe(false);
      expect(await talk.ask("env", "LC_TIME", Buffer.of(0xff))).toBe(false);
      expect(await talk.ask("exec", "env")).toBe(true);
      const env = talk.processes[0]!.options.env ?? {};
      expect(Object.values(env)).not.toContain("evil");
      expect([env["LANG"], env["PATH"]?.includes("/bin"), env["HOME"]]).toEqual(["C.UTF-8", true, "/"]);
    });

    test(`S1: of a program on streams, too, whatever its list lets in (${what})`, async () => {
      for (const acceptEnv of [undefined, ["*"]]) {
        const seen: SessionIO["env"][] = [];
        const user = new ConchUser();
        const program = ({ env }: SessionIO) => void seen.push(env);
        user.channelLookup["session"] = sessionProgram(program, acceptEnv === undefined ? {} : { acceptEnv });
        const talk = await sessionOf(user);
        for (const name of names) {
          const isName = /^[A-Za-z_]\w*$/.test(name);
          const isListed = acceptEnv !== undefined || /^(LANG$|LC_)/.test(name);
          expect([name, await talk.ask("env", name, "evil")]).toEqual([name, isName && isListed]);
        }
        expect(await talk.ask("env", "LC_TIME", "evil\0")).toBe(false);
        expect(await talk.ask("shell")).toBe(true);
        expect(Object.keys(seen[0]!).filter((name) => !/^[A-Za-z_]\w*$/.test(name))).toEqual([]);
        expect(Object.getPrototypeOf(seen[0])).toBeNull();
      }
    });
  }

  test("S1: holds 128 variables, in 64 KiB", async () => {
    const many = await notedSession();
    let taken = 0;
    for (let n = 0; n < 200; n++) if (await many.ask("env", `LC_${n}`, "x")) taken++;
    expect([taken, many.events.length]).toEqual([128, 128]);

    const large = await notedSession();
    for (const [value, is] of [
      ["x".repeat(30_000), true],
      ["x".repeat(30_000), true],
      ["x".repeat(6000), false],
    ] as const)
      expect(await large.ask("env", "LANG", value)).toBe(is);
  });
});

describe("what runs", () => {
  const STARTS = [["shell"], ["exec", "second"], ["subsystem", "sftp"]] as const;

  test("S2: is one thing, once: a second is refused, and the first goes on", async () => {
    for (const [first, ...rest] of STARTS) {
      const talk = await accountSession();
      expect(await talk.ask(first, ...rest)).toBe(true);
      for (const [type, ...values] of STARTS) expect([type, await talk.ask(type, ...values)]).toEqual([type, false]);
      expect([talk.processes.length, talk.processes[0]!.signals, talk.disconnects]).toEqual([1, [], []]);
      talk.processes[0]!.says("still here");
      await talk.made.settle();
      expect(talk.got(94).at(-1)!.toString("latin1", 8)).toBe("still here");
    }
  });

  test("S2: is one thing also while it is being started", async () => {
    let begin = (): void => undefined;
    @implementer(ISession)
    class Slow {
      started = 0;
      openShell(): Promise<void> {
        this.started++;
        return new Promise((resolve) => (begin = resolve));
      }
      execCommand(): void {
        this.started++;
      }
      getPty(): void {}
      windowChanged(): void {}
      eofReceived(): void {}
      closed(): void {}
    }
    const slow = new Slow();
    const user = new ConchUser();
    user.channelLookup["session"] = (options) => {
      const channel = Object.assign(new SSHSession(options), { session: slow });
      channel.requestsAtOnce = true;
      return channel;
    };
    const talk = await sessionOf(user);
    for (const [type, ...values] of STARTS) talk.push(98, talk.id, type, true, ...values);
    await talk.made.settle();
    begin();
    await talk.made.settle();
    expect([slow.started, talk.got(99).length, talk.got(100).length]).toEqual([1, 1, 2]);
  });

  const SIZES = [0, 1, 65_535, 65_536, 10 ** 6, 2 ** 31, 2 ** 32 - 1];

  test("S2: has a terminal of any size, to no harm", async () => {
    for (const size of SIZES) {
      const talk = await accountSession();
      expect(await talk.ask("pty-req", "xterm", size, size, size, size, "")).toBe(true);
      expect(await talk.ask("shell")).toBe(true);
      for (const each of SIZES) expect(await talk.ask("window-change", each, each, each, each)).toBe(true);
      expect([talk.processes[0]!.windowSizes.length, talk.disconnects]).toEqual([SIZES.length, []]);

      const seen: (readonly [number | undefined, number | undefined])[] = [];
      const user = new ConchUser();
      user.channelLookup["session"] = sessionProgram(({ terminal }) => {
        seen.push([terminal?.columns, terminal?.rows]);
        terminal?.on("resize", () => seen.push([terminal.columns, terminal.rows]));
        return new Promise(() => {});
      });
      const streams = await sessionOf(user);
      expect(await streams.ask("pty-req", "xterm", size, size, size, size, "")).toBe(true);
      expect(await streams.ask("shell")).toBe(true);
      for (const each of SIZES) await streams.ask("window-change", each, each, each, each);
      expect(seen.length).toBeGreaterThan(3);
      for (const each of seen.flat()) expect([each! >= 1, each! <= 10_000]).toEqual([true, true]);
    }
  });

  test("S2: has a real terminal of any size, too", async () => {
    const sizes: string[] = [];
    for (const size of [0, 65_536, 2 ** 32 - 1]) {
      const out = await outputOf("stty", ["stty", "size"], { rows: size, columns: size, xPixels: size, yPixels: size });
      sizes.push(out.trim());
    }
    for (const each of sizes) expect(each).toMatch(/^\d{1,5} \d{1,5}$/);
  });

  test("S2: has a TERM of 64 characters at most", async () => {
    const talk = await accountSession();
    expect(await talk.ask("pty-req", "x".repeat(65), 80, 24, 0, 0, "")).toBe(false);
    expect(await talk.ask("pty-req", "x".repeat(64), 80, 24, 0, 0, "")).toBe(true);
  });

  test("S3: is, of what a client asked for, one argument of the account's shell, and nothing else is its text", async () => {
    for (const command of texts) {
      const talk = await accountSession();
      await talk.ask("pty-req", "xterm", 80, 24, 0, 0, "");
      await talk.ask("env", "LANG", command);
      if (!(await talk.ask("exec", command))) continue; // no UTF-8
      const [child] = talk.processes;
      expect([child!.executable, child!.args]).toEqual(["/bin/sh", ["/bin/sh", "-c", Buffer.from(command).toString()]]);
    }
    for (const name of texts) {
      const talk = await accountSession();
      expect([name, await talk.ask("subsystem", name), talk.processes.length]).toEqual([name, false, 0]);
    }
  });

  test("S3: is the forced command, whatever was asked for, and what was asked for is one variable", async () => {
    for (const [type, asked, original] of [
      ["shell", "", undefined],
      ["exec", "; reboot", "; reboot"],
      ["exec", "$(reboot) `reboot`", "$(reboot) `reboot`"],
      ["subsystem", "sftp", "sftp"],
      ["subsystem", "other; reboot", "other; reboot"],
    ] as const) {
      const talk = await accountSession();
      restrict(talk.made.server, new Permissions({ command: "backup --only" }));
      expect([type, await (type === "shell" ? talk.ask(type) : talk.ask(type, asked))]).toEqual([type, true]);
      const [child] = talk.processes;
      expect([type, child!.args]).toEqual([type, ["/bin/sh", "-c", "backup --only"]]);
      expect(child!.options.env?.["SSH_ORIGINAL_COMMAND"]).toBe(original);
    }
  });

  test("S3: hears of an X display nothing but what is one", async () => {
    for (const [protocol, cookie, isOne] of [
      ["MIT-MAGIC-COOKIE-1", "00\nadd :1 . 00", false],
      ["MIT-MAGIC-COOKIE-1 x", "00ff", false],
      ["MIT\nremove :0", "00ff", false],
      ["", "00ff", false],
      ["MIT-MAGIC-COOKIE-1", "`reboot`", false],
      ["MIT-MAGIC-COOKIE-1", "", false],
      ["MIT-MAGIC-COOKIE-1", "00ff", true],
    ] as const) {
      const talk = await accountSession();
      const session = talk.connection.channels.get(talk.id) as SSHSession;
      (session.avatar as UnixConchUser).x11Forwarding = true;
      await talk.send(98, talk.id, "x11-req", true, false, protocol, cookie, 0);
      // A refusal comes at once; xauth is asked when there is a display.
      await expect.poll(() => talk.got(100).length + talk.processes.length).toBe(1);
      expect([protocol, cookie, talk.processes.length]).toEqual([protocol, cookie, isOne ? 1 : 0]);
      if (isOne) expect(talk.processes[0]!.args).toEqual(["xauth", "-q", "-"]);
      talk.processes[0]?.exit(1);
      talk.made.serverIO.abortConnection();
      await talk.made.settle();
    }
  });
});

describe("an end", () => {
  const HUP = 1;

  test("S4: of a channel hangs up the process group, however the channel ends", async () => {
    for (const end of ["closed", "disconnected", "cut", "closed by us"] as const) {
      const talk = await accountSession();
      await talk.ask("exec", "sleep 1000");
      const [child] = talk.processes;
      if (end === "closed") await talk.send(97, talk.id);
      else if (end === "disconnected") await talk.send(1, 11, "bye", "");
      else if (end === "cut") talk.made.serverIO.abortConnection();
      else talk.connection.channels.get(talk.id)!.loseConnection();
      await talk.made.settle();
      if (end === "closed by us") await talk.send(97, talk.id);
      expect([end, child!.signals, child!.disconnecting]).toEqual([end, [-HUP], true]);
    }
  });

  test("S4: of a client's data is no end of its program", async () => {
    const talk = await accountSession();
    await talk.ask("exec", "sort");
    await talk.send(96, talk.id);
    const [child] = talk.processes;
    expect([child!.signals, child!.disconnecting, child!.open.has(0), talk.got(97)]).toEqual([[], false, false, []]);
  });

  test("S4: of a program sends its output, the end of data, how it ended and the close, in this order", async () => {
    for (const [code, signal] of [
      [0, null],
      [255, null],
      [null, "KILL"],
    ] as const) {
      const talk = await accountSession();
      await talk.ask("exec", "true");
      const [child] = talk.processes;
      const before = talk.numbers.length;
      child!.says("output");
      child!.says("error", 2);
      child!.exit(code, signal);
      await talk.made.settle();
      expect(talk.numbers.slice(before).filter((number) => number !== 93)).toEqual([94, 95, 96, 98, 97]);
      const request = talk.got(98)[0]!;
      expect(request.toString("latin1", 8, 8 + request.readUInt32BE(4))).toBe(signal ? "exit-signal" : "exit-status");
    }
  });

  test("S4: of a program waits for a window before it is told, so that no output is lost", async () => {
    const world = await accountSession();
    const { connection, id } = world;
    await world.ask("exec", "yes");
    const channel = connection.channels.get(id)!;
    channel.remoteWindowLeft = 3;
    const [child] = world.processes;
    child!.says("output");
    child!.exit(0);
    await world.made.settle();
    expect([world.got(94).length, world.got(98), world.got(97)]).toEqual([1, [], []]);
    await world.send(93, id, 100);
    expect(world.numbers.slice(-5)).toEqual([94, 94, 96, 98, 97]);
  });
});

/** What a real program says. */
function outputOf(executable: string, args: string[], usePTY?: SpawnProcessOptions["usePTY"]): Promise<string> {
  return new Promise((resolve, reject) => {
    class Reader extends ProcessProtocol {
      said = "";
      override outReceived(data: Buffer): void {
        this.said += data.toString("latin1");
      }
      override processEnded(reason: Failure): void {
        if (reason.check(ProcessDone) === null) reject(reason.value);
        else resolve(this.said);
      }
    }
    try {
      reactor.spawnProcess(new Reader(), executable, args, usePTY === undefined ? {} : { usePTY });
    } catch (error) {
      reject(error);
    }
  });
}

/** Of all packages, by their names below the folder. */
function sources(root: string): string[] {
  return ["reactor", "cred", "conch"].flatMap((name) =>
    readdirSync(join(root, name, "src"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.includes(".test."))
      .map((file) => `${name}/src/${file}`),
  );
}

/** Names of users and hosts as the attacks had them. */
const SHELL_TEXTS = [
  "$(touch ${MARK})",
  "`touch ${MARK}`",
  "; touch ${MARK} #",
  "' ; touch ${MARK} ; '",
  '" ; touch ${MARK} ; "',
  "-oProxyCommand=touch ${MARK}",
  "x\ntouch ${MARK}",
  "| touch ${MARK}",
];

describe("a name", () => {
  test("CL6: CVE-2023-51385, CVE-2020-26301: is one argument of a program, and no shell sees it", async () => {
    const mark = join(folder, "mark");
    for (const text of SHELL_TEXTS) {
      const name = text.replaceAll("${MARK}", mark);
      expect(await outputOf("printf", ["printf", "%s|", name, "next"])).toBe(`${name}|next|`);
      // A terminal is prepared by a shell, which is given everything as operands.
      const modes = ["-opost", "-echo"];
      const onTerminal = await outputOf("printf", [name, "%s|", name, "next"], { modes, nameVariable: "SSH_TTY" });
      expect(onTerminal).toBe(`${name}|next|`);
      expect(() => readFileSync(mark)).toThrow("ENOENT");
    }
  });

  test("CL6: CVE-2023-51385: of a user goes to the server as it is, and nowhere else", async () => {
    for (const text of [...SHELL_TEXTS, ...texts]) {
      const made = await secured();
      const got: Buffer[] = [];
      made.client.requestService(new SSHUserAuthClient(text, new SSHConnection()));
      await made.settle();
      const recorder = made.server.service as unknown as { got: [number, Buffer][] };
      for (const [number, body] of recorder.got) if (number === 50) got.push(body);
      expect(got[0]!.subarray(0, fields(text).length)).toEqual(fields(text));
    }
  });

  test("CL6: three places start a shell: an account's own, the user's own of cftp, and the one that prepares a terminal", () => {
    const root = new URL("../../packages/", import.meta.url).pathname;
    const starting =
      /\bexecSync\b|\bshell:\s*(?:true|["'`])|["'`]-c["'`]|\{[^}]*\bexec\b[^}]*\} from "node:child_process"/;
    const shells = sources(root).filter((name) => starting.test(readFileSync(join(root, name), "utf8")));
    expect(shells.sort()).toEqual([
      "conch/src/scripts/cftp/shell.ts",
      "conch/src/unix/session.ts",
      "reactor/src/process/command.ts",
    ]);
  });

  test("CL6: a key file is read no further than it may be long, whatever it is", () => {
    const large = join(folder, "large");
    writeFileSync(large, Buffer.alloc(64 * 1024 + 1, "A"));
    for (const path of [large, "/dev/zero"]) expect(() => Key.fromFile(path)).toThrow("the key file is too large");
    const fine = join(folder, "fine");
    const key = Key.generate("ed25519");
    const text = key.toString("openssh");
    writeFileSync(fine, `${text.toString()}${"\n".repeat(64 * 1024 - text.length)}`);
    expect(Key.fromFile(fine).blob()).toEqual(key.blob());
  });
});
