import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { succeed } from "@strombus/reactor/defer";
import { EOFError, SystemExit } from "@strombus/reactor/exceptions";
import { SimulatedReactor, StringTransport } from "@strombus/reactor/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConchError, HostKeyChanged, UserRejectedKey } from "../error.js";
import { NS } from "../ssh/common.js";
import { Key } from "../ssh/keys.js";
import type { SSHTransportBase, TransportService } from "../ssh/transport.js";
import { SSHAgentClient } from "./agent.js";
import { getHostKeyAlgorithms, isInKnownHosts, SSHUserAuthClient, verifyHostKey } from "./default.js";
import { ConchOptions } from "./options.js";

const KEYS = [Key.generate("ed25519"), Key.generate("ecdsa"), Key.generate("ed25519")] as const;
const [KEY, ECDSA, OTHER] = KEYS;

let folder: string;
let options: ConchOptions;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "strombus-client-"));
  vi.stubEnv("HOME", folder);
  vi.stubEnv("SSH_AUTH_SOCK", "");
  options = new ConchOptions();
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function put(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const publicLine = (key: Key): string => key.public().toString("openssh").toString();
const privateFile = (key: Key, passphrase: string | null = null): Buffer =>
  key.toString("openssh", { subtype: key.type() === "EC" ? "PEM" : "v1", passphrase });

describe("known hosts", () => {
  let asked: string[];
  beforeEach(() => {
    asked = [];
    options.host = "host.example";
  });
  const ui = (answer: boolean) => ({ prompt: (text: string) => asked.push(text) > 0 && answer, warn: () => undefined });
  const verified = (key: Key, answer = false) =>
    verifyHostKey({ factory: { options } }, "192.0.2.7", key.public().blob(), "fingerprint", ui(answer));

  test("a host is looked for by name and address, in the file of the option", async () => {
    options.set("known-hosts", put("known", `host.example,192.0.2.7 ${publicLine(KEY)}\n`));
    expect(await verified(KEY)).toBe(true);
    await expect(verified(OTHER)).rejects.toBeInstanceOf(HostKeyChanged);
    expect(asked).toEqual([]);
  });

  test("at another port than 22 by that too", async () => {
    options.set("port", "2222");
    options.set("known-hosts", put("known", `[host.example]:2222,[192.0.2.7]:2222 ${publicLine(KEY)}\n`));
    expect(await verified(KEY)).toBe(true);
    expect(asked).toEqual([]);
  });

  test("an unknown one is asked about, and is in the user's file then", async () => {
    await expect(verified(KEY)).rejects.toBeInstanceOf(UserRejectedKey);
    expect(await verified(KEY, true)).toBe(true);
    expect(existsSync(join(folder, ".ssh/known_hosts"))).toBe(true);
    expect(await verified(KEY)).toBe(true);
    expect(asked[0]).toContain("The authenticity of host 'host.example (192.0.2.7)' can't be established.");
    expect(asked).toHaveLength(2);
  });

  test("the types of its keys come in the file's order", () => {
    const lines = [ECDSA, KEY, OTHER].map((key) => `host.example ${publicLine(key)}\n`);
    options.set("known-hosts", put("known", lines.join("")));
    expect(getHostKeyAlgorithms("host.example", options)).toEqual(["ecdsa-sha2-nistp256", "ssh-ed25519"]);
    expect(getHostKeyAlgorithms("other.example", options)).toBeNull();
    options.set("known-hosts", join(folder, "missing"));
    expect(getHostKeyAlgorithms("host.example", options)).toBeNull();
  });

  test("its words are looked through as they are", () => {
    const lines = ["# a comment", "short line", `a,host.example ${publicLine(KEY)}`, `b.example ${publicLine(OTHER)}`];
    options.set("known-hosts", put("known", lines.join("\n")));
    const found = (host: string, key: Key) => isInKnownHosts(host, key.public().blob(), options);
    expect([found("host.example", KEY), found("host.example", OTHER), found("host.example", ECDSA)]).toEqual([1, 2, 0]);
    expect([found("c.example", KEY), found("host", KEY)]).toEqual([0, 0]);
  });

  test("the folder is made where there is none", () => {
    let printed = "";
    options.output = { write: (text) => (printed += text) };
    expect(isInKnownHosts("host.example", KEY.public().blob(), options)).toBe(0);
    expect(isInKnownHosts("host.example", KEY.public().blob(), options)).toBe(0);
    expect(printed).toBe(`${join(folder, ".ssh")} is made.\n`);
    expect(existsSync(join(folder, ".ssh"))).toBe(true);
  });
});

/** Answers by a list, and knows what was asked and told. */
class Answers {
  readonly asked: [string, boolean][] = [];
  told = "";
  closed = 0;
  constructor(readonly answers: (string | Error)[] = []) {}
  ask(prompt: string, echo: boolean): string {
    this.asked.push([prompt, echo]);
    const answer = this.answers.shift() ?? new EOFError("nobody");
    if (typeof answer === "string") return answer;
    throw answer;
  }
  tell(text: string): void {
    this.told += text;
  }
  close(): void {
    this.closed += 1;
  }
}

/** The transport below, as far as a login sees it. */
class Below {
  readonly sent: [number, Buffer][] = [];
  readonly disconnects: number[] = [];
  sendPacket(number: number, body: Buffer): void {
    this.sent.push([number, body]);
  }
  sendDisconnect(reason: number): void {
    this.disconnects.push(reason);
  }
  getPeer() {
    return { address: { host: "192.0.2.7" } };
  }
}

const INSTANCE = { name: "ssh-connection" } as TransportService;
const reactor = new SimulatedReactor();

function login(questions = new Answers()) {
  const client = new SSHUserAuthClient("user", options, INSTANCE, { reactor, questions });
  const below = new Below();
  client.transport = below as unknown as SSHTransportBase;
  return { client, questions, below };
}

describe("keys of files", () => {
  test("the usual ones are tried where no other is named", () => {
    expect(login().client.options.identitys).toEqual([
      "~/.ssh/id_ed25519",
      "~/.ssh/id_ecdsa",
      "~/.ssh/id_rsa",
      "~/.ssh/id_dsa",
    ]);
  });

  test("come one by one; a broken public file and one that is not there are passed over", async () => {
    options.identitys = [put("broken", ""), join(folder, "missing"), put("good", privateFile(KEY)), "~/other"];
    put("broken.pub", "not a key");
    put("good.pub", publicLine(KEY));
    put("other.pub", publicLine(ECDSA));
    const { client } = login();
    const first = await client.getPublicKey();
    expect(first!.equals(KEY.public())).toBe(true);
    expect(client.usedFiles).toEqual(options.identitys.slice(0, 3));
    expect((await client.getPrivateKey())!.equals(KEY)).toBe(true);
    expect((await client.getPublicKey())!.equals(ECDSA.public())).toBe(true);
    expect(client.getPrivateKey()).toBeNull();
    expect(await client.getPublicKey()).toBeNull();
  });

  test("that have no public file show it themselves, after their passphrase, which is asked for once", async () => {
    options.identitys = [put("key", privateFile(ECDSA, "secret"))];
    const { client, questions } = login(new Answers(["wrong", "", "secret"]));
    expect((await client.getPublicKey())!.equals(ECDSA.public())).toBe(true);
    const data = Buffer.from("data");
    const signature = await client.signData(ECDSA.public(), data, "ecdsa-sha2-nistp256");
    expect(ECDSA.verify(signature!, data)).toBe(true);
    const question = [`Enter passphrase for key '${join(folder, "key")}': `, false];
    expect(questions.asked).toEqual([question, question, question]);
  });

  test("are given up after three wrong passphrases", async () => {
    options.identitys = [put("key", privateFile(ECDSA, "secret"))];
    put("key.pub", publicLine(ECDSA));
    const { client, questions } = login(new Answers(["1", "2", "3", "secret"]));
    await client.getPublicKey();
    await expect(client.getPrivateKey()).rejects.toMatchObject({ name: "ConchError", value: "bad password" });
    expect(questions.asked).toHaveLength(3);
  });
});

describe("keys of the agent", () => {
  test("it is asked for one signature, without flags", async () => {
    const { client } = login();
    const transport = new StringTransport();
    client.keyAgent = new SSHAgentClient();
    await client.keyAgent.makeConnection(transport);
    const signed = client.signData(KEY.public(), Buffer.from("Sign here")) as PromiseLike<unknown>;
    const body = Buffer.concat([Buffer.of(13), NS(KEY.blob()), NS("Sign here"), Buffer.alloc(4)]);
    expect(transport.value()).toEqual(NS(body));
    client.keyAgent.connectionLost();
    await expect(signed).rejects.toMatchObject({ name: "ConnectionLost" });
  });

  test("those that cannot be read are left out", async () => {
    const agent = new SSHAgentClient();
    const blobs = [Buffer.from("nonsense"), KEY.public().blob()];
    vi.spyOn(agent, "requestIdentities").mockReturnValue(succeed(blobs.map((blob): [Buffer, string] => [blob, ""])));
    expect(await agent.getPublicKeys()).toBeNull();
    expect(agent.getPublicKey()!.equals(KEY.public())).toBe(true);
    expect(agent.getPublicKey()).toBeNull();
  });

  test("without it the files are asked for, and the login begins", async () => {
    vi.stubEnv("SSH_AUTH_SOCK", "/nobody/listens");
    const { client, below } = login();
    client.serviceStarted();
    expect(below.sent).toEqual([]);
    for (let turn = 0; turn < 50 && below.sent.length === 0; turn++) await reactor.settle();
    expect(below.sent.map(([number]) => number)).toEqual([50]);
    expect(client.keyAgent).toBeNull();
  });

  test("nor is it asked where the user will not have it", () => {
    vi.stubEnv("SSH_AUTH_SOCK", "/somewhere");
    options.set("noagent", 1);
    const { client, below } = login();
    client.serviceStarted();
    expect(below.sent).toHaveLength(1);
  });

  test("a login that ended meanwhile does not begin", async () => {
    vi.stubEnv("SSH_AUTH_SOCK", "/nobody/listens");
    const { client, below, questions } = login();
    client.serviceStarted();
    client.serviceStopped();
    for (let turn = 0; turn < 50; turn++) await reactor.settle();
    expect([below.sent, questions.closed]).toEqual([[], 1]);
  });
});

describe("questions", () => {
  test("a password is asked for by user and address, or as the server will have it", async () => {
    const { client, questions } = login(new Answers(["one", "two"]));
    expect([await client.getPassword(), await client.getPassword("New\x1b[2J: ")]).toEqual(["one", "two"]);
    expect(questions.asked).toEqual([
      ["user@192.0.2.7's password: ", false],
      ["New\\x1b[2J: ", false],
    ]);
  });

  test("what the server asks is shown without its control characters", async () => {
    const { client, questions } = login(new Answers(["1", "2"]));
    const prompts: [string, boolean][] = [
      ["Code\x07: ", true],
      ["Pin: ", false],
    ];
    expect(await client.getGenericAnswers("Name\x1b]0;x\x07", "two\nlines\n", prompts)).toEqual(["1", "2"]);
    expect(questions.told).toBe("Name\\x1b]0;x\\x07\ntwo\nlines\n");
    expect(questions.asked).toEqual([
      ["Code\\x07: ", true],
      ["Pin: ", false],
    ]);
    client.receiveBanner("Wel\x1b[31mcome\r\n", "en");
    expect(questions.told.endsWith("Wel\\x1b[31mcome\n")).toBe(true);
  });

  test("nobody to answer is a failure", async () => {
    const { client, below } = login();
    await expect(client.getPassword()).rejects.toMatchObject({ name: "ConchError", value: "PEBKAC" });
    expect(below.disconnects).toEqual([]);
  });

  test("Ctrl-C ends the login, and nothing more is asked", async () => {
    const { client, questions, below } = login(new Answers([new SystemExit(130), "more"]));
    await expect(client.getPassword()).rejects.toBeInstanceOf(ConchError);
    await expect(client.getPassword()).rejects.toBeInstanceOf(ConchError);
    expect([below.disconnects, questions.asked.length]).toEqual([[13], 1]);
  });
});

test("ways to log in that the user has left out are not gone", () => {
  const { client, below } = login();
  options.set("user-authentications", ["keyboard-interactive"]);
  client.serviceStarted();
  expect([client.tryAuth("password"), client.tryAuth("publickey")]).toEqual([null, null]);
  expect(client.tryAuth("keyboard-interactive")).toBe(true);
  expect(below.sent).toHaveLength(2);
});
