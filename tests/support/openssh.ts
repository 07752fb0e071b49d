/** OpenSSH's client as a user runs it: with a password, with a file as input, or at a terminal. */
import { execFileSync } from "node:child_process";
import { Program } from "./program.js";

/** An installed OpenSSH client. */
export interface OpenSSH {
  readonly name: string;
  /** The words that run a program where this client lives: none for the machine itself. */
  readonly prefix: readonly string[];
  /** The program, there, that tells ssh the password. */
  readonly askpass: string;
}

export interface Login {
  readonly port: number;
  readonly user?: string | undefined;
  readonly password?: string;
  /** Options for ssh, before the host. */
  readonly options?: readonly string[];
  /** What to run there; a shell when there is none. */
  readonly command?: string;
}

/** The OpenSSH client of this machine, or of wherever `prefix` runs programs. */
export function openSSH(name = "the machine's OpenSSH", prefix: readonly string[] = []): OpenSSH {
  const run = (script: string) => {
    const [file, ...args] = [...prefix, "sh", "-c", script] as [string, ...string[]];
    return execFileSync(file, args).toString().trim();
  };
  const folder = run("mktemp -d");
  process.once("exit", () => run(`rm -r ${folder}`));
  const askpass = `${folder}/askpass`;
  run(`printf '#!/bin/sh\necho "$STROMBUS_TEST_PASSWORD"\n' >${askpass}; chmod +x ${askpass}`);
  return { name, prefix, askpass };
}

/** Starts ssh with its input and output on pipes. */
export function ssh(client: OpenSSH, login: Login): Program {
  return new Program(commandLine(client, login), { env: secrets(client, login) });
}

/** Starts ssh at a terminal of its own, 30 rows of 100 columns, where keys can be typed. */
export function sshAtTerminal(client: OpenSSH, login: Login): Program {
  const words = commandLine(client, login).map(quote).join(" ");
  const session = `stty rows 30 cols 100; exec ${words}`;
  return new Program(["script", "-qefc", session, "/dev/null"], { env: { ...secrets(client, login), TERM: "xterm" } });
}

function commandLine({ prefix }: OpenSSH, { port, user = "user", options = [], command }: Login): string[] {
  const settings = [
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "PreferredAuthentications=password",
    "PubkeyAuthentication=no",
  ].flatMap((setting) => ["-o", setting]);
  const where = ["-p", String(port), `${user}@127.0.0.1`];
  return [
    ...prefix,
    "ssh",
    "-F",
    "none",
    ...settings,
    ...options,
    ...where,
    ...(command === undefined ? [] : [command]),
  ];
}

/** ssh asks a program for the password, and that program takes it from the environment. */
function secrets({ askpass }: OpenSSH, { password = "password" }: Login): NodeJS.ProcessEnv {
  return { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force", STROMBUS_TEST_PASSWORD: password };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
