/** Each option that may stand before a key in `authorized_keys`, at the example unix-server, with OpenSSH's client. */
import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { Key } from "@strombus/conch/ssh/keys";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { privateFile, publicLine } from "../support/interop-keys.js";
import { startUnixServer, type UnixServer } from "../support/unix.js";

let server: UnixServer;
let folder = "";
let ownKey = "";
let authority = "";
let agent = 0;
const { username } = userInfo();

beforeAll(async () => {
  server = await startUnixServer();
  folder = dirname(server.key);
  ownKey = readFileSync(`${server.key}.pub`, "utf8");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "authority")]);
  authority = readFileSync(join(folder, "authority.pub"), "utf8");
  const said = execFileSync("ssh-agent", ["-s", "-a", join(folder, "agent")]).toString();
  agent = Number(/SSH_AGENT_PID=(\d+)/.exec(said)![1]);
});
afterAll(async () => {
  process.kill(agent);
  await server.example.program.kill("SIGINT");
});

interface Run {
  /** The authority's key, of which the line then is; by default a new key of the user's own. */
  readonly key?: string;
  readonly options?: readonly string[];
}

/** In one step: other logins read the file meanwhile. */
function authorizeBy(text: string): void {
  const path = join(folder, "authorized_keys");
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

const lines: string[] = [];
let keys = 0;

/** A new key of the user's, which its line in the file is about; returns the options of ssh that show it. */
function authorize(line: string): string[] {
  const key = Key.generate("ed25519");
  const file = join(folder, `key${keys++}`);
  writeFileSync(file, privateFile(key), { mode: 0o600 });
  lines.push(`${line} ${publicLine(key)}`);
  authorizeBy(lines.join(""));
  return ["-i", file];
}

const NO_TERMINAL = "the server gave no terminal";

/** What a command printed under this line of `authorized_keys`; null when the login was refused. */
async function run(line: string, command: string, { key, options = [] }: Run = {}): Promise<string | null> {
  const identity = key === undefined ? authorize(line) : [];
  if (key !== undefined) authorizeBy(`${line} ${key}`);
  const env = { SSH_AUTH_SOCK: join(folder, "agent"), DISPLAY: "127.0.0.1:99" };
  const session = server.run(command, ["-a", "-x", "-o", "IdentitiesOnly=yes", ...identity, ...options], { env });
  session.endInput();
  const { status } = await session.ending;
  const told = session.stderr.text;
  if (status === 255 && told.includes("Permission denied")) return null;
  if (status === 255 && told.includes("PTY allocation request failed")) return NO_TERMINAL;
  const printed = session.stdout.text.replaceAll("\r", "");
  // On a terminal, what the start files of the user's shell complain of stands before what the command prints: one line.
  return options.includes("-tt") ? /.*\n$/.exec(printed)![0] : printed;
}

describe.concurrent("what a key is good for", () => {
  const TERMINAL = { options: ["-tt"] };
  const AGENT = { options: ["-A"] };
  const X11 = { options: ["-Y"] };
  for (const [line, what, command, surroundings, expected] of [
    ["no-agent-forwarding", "a terminal", "tty | cut -c 1-8", TERMINAL, "/dev/pts\n"],
    ["no-pty", "no terminal", "tty", TERMINAL, NO_TERMINAL],
    ["restrict", "no terminal", "tty", TERMINAL, NO_TERMINAL],
    ["restrict,pty", "a terminal again", "tty | cut -c 1-8", TERMINAL, "/dev/pts\n"],
    ["pty,restrict", "none, as the last word counts", "tty", TERMINAL, NO_TERMINAL],
    ["no-pty", "an agent", "ssh-add -l", AGENT, "The agent has no identities.\n"],
    ["no-agent-forwarding", "no agent", "echo -$SSH_AUTH_SOCK-", AGENT, "--\n"],
    ["restrict", "no agent", "echo -$SSH_AUTH_SOCK-", AGENT, "--\n"],
    ["restrict,agent-forwarding", "an agent again", "ssh-add -l", AGENT, "The agent has no identities.\n"],
    ["no-pty", "a display", "echo ${DISPLAY%%:*}", X11, "localhost\n"],
    ["no-X11-forwarding", "no display", "echo -$DISPLAY-", X11, "--\n"],
    ["restrict", "no display", "echo -$DISPLAY-", X11, "--\n"],
    ["restrict,X11-forwarding", "a display again", "echo ${DISPLAY%%:*}", X11, "localhost\n"],
    ['environment="COLOUR=blue",environment="COLOUR=red"', "a variable", "echo $COLOUR", {}, "blue\n"],
    ['command="echo forced: $SSH_ORIGINAL_COMMAND"', "one command", "date; reboot", {}, "forced: date; reboot\n"],
    ['COMMAND="echo \\"a, b\\"",no-pty', "one with quotes", "date", {}, "a, b\n"],
    ['tunnel="1"', "commands, as there are no tunnels", "echo in", {}, "in\n"],
    ["no-user-rc,user-rc", "commands", "echo in", {}, "in\n"],
    ["no-touch-required", "commands, being no security key", "echo in", {}, "in\n"],
    ['from="192.0.2.*,127.0.0.0/8"', "logins from here", "echo in", {}, "in\n"],
    ['expiry-time="20991231Z"', "logins until then", "echo in", {}, "in\n"],
  ] as const) {
    test(`${line}: ${what}`, async ({ expect }) => {
      expect(await run(line, command, surroundings)).toBe(expected);
    });
  }

  for (const line of [
    'from="192.0.2.*"',
    'from="127.0.0.0/8,!127.0.0.1"',
    'from="localhost"',
    'expiry-time="20200101Z"',
    "verify-required",
    "cert-authority",
    'principals="a"',
    'tunnel="x"',
    'command="a",command="b"',
    "no-such-option",
    "no-pty,,restrict",
  ]) {
    test(`${line}: nothing`, async ({ expect }) => {
      expect(await run(line, "echo in")).toBeNull();
    });
  }
});

describe("an authority's key", () => {
  const sign = (name: string, principals: string, ...words: string[]) => {
    const key = join(folder, name);
    writeFileSync(`${key}.pub`, ownKey);
    execFileSync("ssh-keygen", ["-q", "-s", join(folder, "authority"), "-I", name, "-n", principals, ...words, key]);
    return { key: authority, options: ["-o", `CertificateFile=${key}-cert.pub`, "-tt"] };
  };

  test("lets in whom it certifies under the user's own name, with what both line and certificate permit", async () => {
    const whole = sign("own", username);
    expect(await run("cert-authority", "tty | cut -c 1-8", whole)).toBe("/dev/pts\n");
    expect(await run("cert-authority,no-pty", "tty", whole)).toBe(NO_TERMINAL);
    expect(await run("cert-authority", "tty", sign("clear", username, "-O", "clear"))).toBe(NO_TERMINAL);
    const forced = sign("forced", username, "-O", "force-command=echo by certificate");
    expect(await run("cert-authority", "date", forced)).toBe("by certificate\n");
    expect(await run('cert-authority,command="echo by line"', "date", whole)).toBe("by line\n");
    expect(await run('cert-authority,command="echo by line"', "date", forced)).toBeNull();
    expect(await run("", "date", whole)).toBeNull(); // a plain key certifies nobody
  });

  test("with principals, under one of these names alone", async () => {
    const line = 'cert-authority,principals="deploy,backup"';
    expect(await run(line, "echo in", sign("deploy", "deploy"))).toBe("in\n");
    expect(await run(line, "echo in", sign("more", "other,backup"))).toBe("in\n");
    expect(await run(line, "echo in", sign("user", username))).toBeNull();
    expect(await run(line, "echo in", sign("both", "deploy,backup", "-V", "20200101:20200102"))).toBeNull();
  });
});
