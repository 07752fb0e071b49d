/** What a key or a certificate lets its user have forwarded, with OpenSSH's client (rules A15 and C9). */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { AuthorizedKey, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { allowForwarding } from "@strombus/conch/ssh/forwarding";
import { Key } from "@strombus/conch/ssh/keys";
import { sessionProgram } from "@strombus/conch/streams";
import { Portal } from "@strombus/cred/portal";
import { globalLogBeginner } from "@strombus/reactor/logger";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folder.js";
import { PeerFolder } from "../support/interop-folder.js";
import { privateFile, publicLine } from "../support/interop-keys.js";
import { openSSH } from "../support/openssh.js";
import { Program } from "../support/program.js";
import { serve, type Served } from "../support/server.js";
import { freePort } from "../support/ports.js";
import { digestOf, digestServer, exchange, type Target } from "../support/tcp.js";

globalLogBeginner.beginLoggingTo([], { redirectStandardIO: false }); // each refusal is logged

const openssh = openSSH();
const folder = new PeerFolder(openssh.prefix);
const key = Key.generate("ed25519");
const authority = Key.generate("ed25519");
const keyFile = folder.put("key", privateFile(key));
const content = randomBytes(100_000);
const sockets = temporaryFolder();
let server: Served;
let target: Target;
let onPath: Target;
let listed: number;

/** The user's name says what stands before the key. */
const OPTIONS: Readonly<Record<string, () => string>> = {
  free: () => "",
  none: () => "no-port-forwarding ",
  restricted: () => "restrict ",
  again: () => "restrict,port-forwarding ",
  opening: () => `permitopen="127.0.0.1:${target.port}" `,
  pattern: () => `permitopen="127.0.*:*" `,
  listening: () => `permitlisten="localhost:${listed}" `,
};

beforeAll(async () => {
  [target, onPath, listed] = await Promise.all([
    digestServer(),
    digestServer({ path: join(sockets, "target") }),
    freePort(),
  ]);
  const database = {
    getAuthorizedKeys: (name: string) => {
      const options = Object.hasOwn(OPTIONS, name) ? OPTIONS[name]!() : null;
      return options === null ? [] : [AuthorizedKey.fromString(`${options}${publicLine(key)}`)];
    },
  };
  const checker = new SSHPublicKeyChecker(database, { trustedUserCAKeys: [authority.public()] });
  server = serve(
    sessionProgram(({ stdout }) => {
      stdout.write("in\n");
      return 0;
    }),
    (factory) => (factory.portal = new Portal(factory.portal!.realm, [checker])),
    (user) => allowForwarding(user, { connect: true, listen: true, connectUNIX: true, listenUNIX: true }),
  );
});
afterAll(async () => {
  target.close();
  onPath.close();
  folder.remove();
  await server.close();
});

function ssh(user: string, ...options: string[]): Program {
  return new Program([
    ...[...openssh.prefix, "ssh", "-F", "none", "-i", keyFile, "-v"],
    ...[
      "StrictHostKeyChecking=no",
      "UserKnownHostsFile=/dev/null",
      "BatchMode=yes",
      "ExitOnForwardFailure=yes",
    ].flatMap((setting) => ["-o", setting]),
    ...[...options, "-p", String(server.port), `${user}@127.0.0.1`],
  ]);
}

/** Whether a port of the client leads to there. */
async function reaches(user: string, to: string, ...options: string[]): Promise<boolean> {
  const near = await freePort();
  const tunnel = ssh(user, ...options, "-N", "-L", `${near}:${to}`);
  await tunnel.stderr.until(/Entering interactive session/);
  const answer = await exchange({ port: near }, content).catch(() => "");
  if (answer !== digestOf(content)) await tunnel.stderr.until(/open failed: administratively prohibited/);
  await tunnel.kill();
  return answer === digestOf(content);
}

/** Whether the server listens there, and leads from there. */
async function listens(user: string, place: string, ...options: string[]): Promise<boolean> {
  const tunnel = ssh(user, ...options, "-N", "-R", `${place}:127.0.0.1:${target.port}`);
  const ready = tunnel.stderr.until(/remote forward success/).then(
    () => true,
    () => false,
  );
  const refused = tunnel.stderr.until(/remote (port|forward).* (failed|failure)/i).then(
    () => false,
    () => true,
  );
  const yes = await Promise.race([ready, refused]);
  await tunnel.kill();
  return yes;
}

const local = () => `127.0.0.1:${target.port}`;

describe("a key", () => {
  test("without options has all that the server allows", async () => {
    expect(await reaches("free", local())).toBe(true);
    expect(await reaches("free", join(sockets, "target"))).toBe(true);
    expect(await listens("free", String(await freePort()))).toBe(true);
  });

  for (const user of ["none", "restricted"]) {
    test(`with ${OPTIONS[user]!().trim()} has nothing forwarded, and its commands run`, async () => {
      expect(await reaches(user, local())).toBe(false);
      expect(await reaches(user, join(sockets, "target"))).toBe(false);
      expect(await listens(user, String(await freePort()))).toBe(false);
      expect(await listens(user, join(sockets, "made"))).toBe(false);
      const run = ssh(user, "-T");
      run.endInput();
      expect((await run.ending).status).toBe(0);
      expect(run.stdout.text).toBe("in\n");
    });
  }

  test("with restrict has no terminal", async () => {
    const run = ssh("restricted", "-tt");
    await run.stderr.until("PTY allocation request failed");
    await run.kill();
  });

  test("with restrict,port-forwarding has ports forwarded", async () => {
    expect(await reaches("again", local())).toBe(true);
  });

  test("with permitopen reaches those places only, and no sockets of the file system", async () => {
    expect(await reaches("opening", local())).toBe(true);
    expect(await reaches("opening", `localhost:${target.port}`)).toBe(false);
    expect(await reaches("opening", `127.0.0.1:${await freePort()}`)).toBe(false);
    expect(await reaches("opening", join(sockets, "target"))).toBe(false);
    expect(await reaches("pattern", local())).toBe(true);
    expect(await reaches("pattern", `localhost:${target.port}`)).toBe(false);
  });

  test("with permitlisten listens at those places only, and on no sockets of the file system", async () => {
    expect(await listens("listening", `localhost:${listed}`)).toBe(true);
    expect(await listens("listening", `localhost:${await freePort()}`)).toBe(false);
    expect(await listens("listening", "localhost:0")).toBe(false);
    expect(await listens("listening", join(sockets, "made"))).toBe(false);
    expect(await reaches("listening", local())).toBe(true);
  });
});

test("a certificate without permit-port-forwarding has nothing forwarded, one with it has", async () => {
  const ca = folder.put("authority", privateFile(authority));
  const certified = (name: string, ...options: string[]) => {
    const file = folder.put(name, privateFile(key));
    folder.put(`${name}.pub`, publicLine(key));
    const grants = ["clear", ...options].flatMap((option) => ["-O", option]);
    folder.run("ssh-keygen", "-q", "-s", ca, "-I", name, "-n", "certified", ...grants, `${file}.pub`);
    return ["-o", `CertificateFile=${file}-cert.pub`];
  };
  const [without, permitted] = [certified("without", "permit-pty"), certified("with", "permit-port-forwarding")];
  expect(await reaches("certified", local(), ...without)).toBe(false);
  expect(await listens("certified", String(await freePort()), ...without)).toBe(false);
  expect(await reaches("certified", local(), ...permitted)).toBe(true);
  expect(await listens("certified", String(await freePort()), ...permitted)).toBe(true);
});
