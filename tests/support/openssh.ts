/** OpenSSH's client as a user runs it: with a password, with a file as input, or at a terminal. */
import { execFileSync } from "node:child_process";
import { atEnd } from "./at-end.js";
import { peers } from "./peers.js";
import { atTerminal, Program } from "./program.js";

/** An installed OpenSSH client. */
export interface OpenSSH {
  /** The words that run a program where this client lives: none for the machine itself. */
  readonly prefix: readonly string[];
  /** The program, there, that tells ssh the password. */
  readonly askpass: string;
}

export interface Login {
  readonly port: number;
  /** Default "user"; null where an option says who. */
  readonly user?: string | null | undefined;
  readonly password?: string;
  /** Options for ssh, before the host; and those that are to win over our own, as ssh believes what comes first. */
  readonly options?: readonly string[];
  readonly first?: readonly string[];
  /** What to run there; a shell when there is none. */
  readonly command?: string;
}

let made: OpenSSH | undefined;

/** The client that the tests run: this machine's, or the peers' where STROMBUS_TEST_CLIENT is "peers". */
export function openSSH(): OpenSSH {
  return (made ??= prepare());
}

function prepare(): OpenSSH {
  const prefix = process.env["STROMBUS_TEST_CLIENT"] === "peers" ? peers() : [];
  const run = (script: string) => {
    const words = [...prefix, "sh", "-c", script];
    return execFileSync(words[0]!, words.slice(1)).toString().trim();
  };
  const folder = run("mktemp -d");
  atEnd(() => run(`rm -r ${folder}`));
  const askpass = `${folder}/askpass`;
  run(`printf '#!/bin/sh\necho "$STROMBUS_TEST_PASSWORD"\n' >${askpass}; chmod +x ${askpass}`);
  return { prefix, askpass };
}

/** Starts ssh with its input and output on pipes. */
export function ssh(client: OpenSSH, login: Login): Program {
  return new Program(commandLine(client, login), { env: secrets(client, login) });
}

/** Starts ssh at a terminal of its own, where it asks for the password and all else that it wants to know. */
export async function sshAsking(client: OpenSSH, login: Login): Promise<Program> {
  const program = atTerminal(commandLine(client, login), { env: { SSH_ASKPASS_REQUIRE: "never" } });
  await program.stdout.until(/password: $/);
  program.type(`${login.password ?? "password"}\r`);
  return program;
}

/** Starts ssh at a terminal of its own, where keys can be typed. */
export function sshAtTerminal(client: OpenSSH, login: Login): Program {
  return atTerminal(commandLine(client, login), { env: secrets(client, login) });
}

function commandLine({ prefix }: OpenSSH, { port, user = "user", first = [], options = [], command }: Login): string[] {
  const settings = [
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "PreferredAuthentications=password",
    "PubkeyAuthentication=no",
  ].flatMap((setting) => ["-o", setting]);
  const where = ["-p", String(port), user === null ? "127.0.0.1" : `${user}@127.0.0.1`];
  return [
    ...prefix,
    "ssh",
    "-F",
    "none",
    ...first,
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
