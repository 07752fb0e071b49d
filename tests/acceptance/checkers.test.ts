/** The examples write-a-checker and injected, by a real client. */
import { randomBytes } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { type Example, exampleFolder, startExample } from "../support/example.js";
import { openSSH, ssh } from "../support/openssh.js";

const openssh = openSSH();

async function start(name: string): Promise<Example> {
  const example = await startExample(name, { folder: exampleFolder() });
  onTestFinished(() => void example.program.kill("SIGKILL"));
  return example;
}

for (const name of ["write-a-checker", "injected"]) {
  test(`${name}: its checker lets in who has a ticket, once`, async () => {
    const { port } = await start(name);
    const login = async (password: string) => {
      const session = ssh(openssh, { port, password, options: ["-o", "NumberOfPasswordPrompts=1"] });
      await session.ending;
      return { shown: session.stdout.text, told: session.stderr.text };
    };
    expect((await login("wrong")).told).toContain("Permission denied");
    expect((await login("password")).shown).toContain("Welcome, user");
    expect((await login("password")).told).toContain("Permission denied");
  });
}

test("injected: every checker that is registered is offered", async () => {
  const { port } = await start("injected");
  const session = ssh(openssh, { port, options: ["-v"] });
  await session.ending;
  expect(session.stderr.text).toContain("Authentications that can continue: password,publickey");
});

test("injected: a session has what is its connection's, which other connections do not share", async () => {
  const { port, program } = await start("injected");
  const control = `/tmp/strombus-${randomBytes(8).toString("hex")}`; // where the client lives
  const options = ["-o", `ControlPath=${control}`, "-o", "ControlPersist=no"];
  const master = ssh(openssh, { port, options: [...options, "-M", "-N", "-v"] });
  await master.stderr.until("Entering interactive session");
  for (const number of [1, 2]) {
    const session = ssh(openssh, { port, options });
    await session.ending;
    expect(session.stdout.text).toBe(`Welcome, user from 127.0.0.1, to session ${number}!\r\n`);
  }
  expect(program.stdout.text).not.toContain("leaves");
  await master.kill();
  await program.stdout.until("user leaves after 2 sessions\n");
});
