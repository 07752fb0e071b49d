/** User names that would be something else if they were taken for more than text, as OpenSSH's client sends them. */
import { UnauthorizedLogin } from "@strombus/cred/error";
import { type ICredentials, IUsernamePassword } from "@strombus/cred/credentials";
import { sessionProgram } from "@strombus/conch/streams";
import { Portal } from "@strombus/cred/portal";
import { eventAsText, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { afterAll, beforeAll, expect, test } from "vitest";
import { harmless, NAMES } from "../support/hostile-names.js";
import { openSSH, ssh } from "../support/openssh.js";
import { serve, type Served } from "../support/server.js";

const openssh = openSSH();
const asked: string[] = [];
const logged: string[] = [];
const observer = (event: LogEvent) => void logged.push(eventAsText(event));
let server: Served;

const checker = {
  credentialInterfaces: [IUsernamePassword],
  requestAvatarId(credentials: ICredentials) {
    const { username } = credentials as IUsernamePassword;
    asked.push(username);
    if (username !== "alice") throw new UnauthorizedLogin(`${username} is not known`);
    return username;
  },
};

beforeAll(() => {
  const hello = sessionProgram(({ stdout }) => {
    stdout.write("in\n");
    return 0;
  });
  server = serve(hello, (factory) => (factory.portal = new Portal(factory.portal!.realm, [checker])));
  globalLogPublisher.addObserver(observer);
});
afterAll(async () => {
  globalLogPublisher.removeObserver(observer);
  await server.close();
});

async function login(name: string) {
  const options = ["-o", "NumberOfPasswordPrompts=1", "-o", "LogLevel=INFO", "-l", name];
  const session = ssh(openssh, { port: server.port, options, user: null, command: "hello" });
  session.endInput();
  const { status } = await session.ending;
  return { status, output: session.stdout.text, told: session.stderr.text };
}

const CANNOT_SAY = /invalid characters|Bad user name|Usage:|usage:/i; // what some releases refuse to send
const arguments_ = Object.entries(NAMES).filter(([, name]) => !/[\0\p{Surrogate}]/u.test(name));

test("each is text: nobody is taken for alice, and the log shows it on one line", async () => {
  expect((await login("alice")).output).toBe("in\n");
  for (const [kind, name] of arguments_) {
    asked.length = 0;
    const { status, output, told } = await login(name);
    expect([status, output], kind).toEqual([255, ""]);
    if (CANNOT_SAY.test(told)) continue;
    const isName = name !== "" && Buffer.byteLength(name) <= 255;
    expect(asked, `${kind}: ${told}`).toEqual(isName ? [name] : []);
  }
  expect((await login("alice")).output).toBe("in\n");
  for (const line of logged) expect(line).toMatch(harmless);
});
