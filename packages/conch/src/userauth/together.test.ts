import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { IKeyboardInteractive, IUsernamePassword, IUsernamePasswordChange } from "@strombus/cred/credentials";
import { PasswordChangeRequired, UnauthorizedLogin } from "@strombus/cred/error";
import { type Deferred, fail, succeed } from "@strombus/reactor/defer";
import { describe, expect, test } from "vitest";
import { HostBasedChecker, InMemorySSHKeyDB, SSHPublicKeyChecker } from "../checkers.js";
import { Certificate } from "../keys/certificate.js";
import { Key } from "../ssh/keys.js";
import { SSHUserAuthClient } from "../ssh/userauth.js";
import { FakeTransport, NextService, serve, talk } from "./fixtures.test.support.js";
import { RSA } from "../keys/rsa.test.support.js";

const keys = { rsa: RSA, ed25519: Key.generate("ed25519"), ecdsa: Key.generate("ecdsa", 256) };

class Client extends SSHUserAuthClient {
  constructor(readonly key: Key) {
    super("foo", new NextService());
  }
  override getPublicKey(): Key | null {
    return this.triedPublicKeys.length === 0 ? this.key.public() : null;
  }
  override getPrivateKey(): Deferred<Key> {
    return succeed(this.key);
  }
}

describe("our client and our server, by", () => {
  const authority = Key.generate("ed25519");
  const certify = async (key: Key, principals = ["foo"]) =>
    Certificate.issue(authority, { kind: "user", keyId: "id", principals, validBefore: Infinity, key: key.public() });
  const byAuthority = () =>
    new SSHPublicKeyChecker(new InMemorySSHKeyDB({}), { trustedUserCAKeys: [authority.public()] });

  const byKey = (key: Key) => new SSHPublicKeyChecker(new InMemorySSHKeyDB({ foo: [key.public()] }));

  /** Both ends have talked until nothing moves; the methods that the client asked by, in order. */
  async function meet(client: SSHUserAuthClient, checkers: ICredentialsChecker[], told: Record<string, string> = {}) {
    const server = serve({ checkers });
    const transport = new FakeTransport();
    transport.hostKeyBlob = server.transport.hostKeyBlob;
    for (const [name, value] of Object.entries(told)) transport.peerExtensions.set(name, Buffer.from(value));
    const asked: string[] = [];
    const ask = client.askForAuth.bind(client);
    client.askForAuth = (kind, data) => {
      asked.push(kind);
      ask(kind, data);
    };
    transport.setService(client);
    for (let turns = 0; turns < 8; turns++) {
      talk(server, transport);
      await new Promise(setImmediate); // for checkers that are async
    }
    return { asked, isIn: transport.service === client.instance };
  }

  for (const [name, key] of Object.entries(keys)) {
    test(`a certificate of a ${name} key`, async () => {
      const certificate = await certify(key);
      const client = new Client(key);
      client.getCertificate = () => certificate;
      const { isIn, asked } = await meet(client, [byAuthority()]);
      expect([isIn, asked]).toEqual([true, ["none", "publickey", "publickey"]]);
    });
  }

  test("the key itself, where its certificate will not do", async () => {
    const certificate = await certify(keys.ed25519, ["bar"]);
    const client = new Client(keys.ed25519);
    client.getCertificate = () => certificate;
    const checker = new SSHPublicKeyChecker(new InMemorySSHKeyDB({ foo: [keys.ed25519.public()] }), {
      trustedUserCAKeys: [authority.public()],
    });
    const { isIn, asked } = await meet(client, [checker]);
    expect([isIn, asked]).toEqual([true, ["none", "publickey", "publickey", "publickey"]]);
    expect(client.triedPublicKeys).toHaveLength(1);
  });

  test("a certificate that cannot be had is a method that does not start", async () => {
    const client = new Client(keys.ed25519);
    client.getCertificate = () => {
      throw new Error("no such file");
    };
    const { isIn, asked } = await meet(client, [byAuthority()]);
    expect([isIn, asked]).toEqual([false, ["none"]]);
  });

  const HOST_BOUND = "publickey-hostbound-v00@openssh.com";
  const takesIt = { "publickey-hostbound@openssh.com": "0" };

  test("a signature that is bound to the host's key, where the server says that it takes it", async () => {
    for (const certificate of [null, await certify(keys.rsa)]) {
      const client = new Client(keys.rsa);
      client.getCertificate = () => certificate;
      const checkers = certificate === null ? [byKey(keys.rsa)] : [byAuthority()];
      const { isIn, asked } = await meet(client, checkers, takesIt);
      expect([isIn, asked]).toEqual([true, ["none", HOST_BOUND, HOST_BOUND]]);
    }
  });

  test("one that is not, where the server says nothing, or another version, or we do not want it", async () => {
    for (const [told, hostBound] of [
      [{}, true],
      [{ "publickey-hostbound@openssh.com": "1" }, true],
      [takesIt, false],
    ] as const) {
      const client = new Client(keys.ed25519);
      client.hostBound = hostBound;
      const { isIn, asked } = await meet(client, [byKey(keys.ed25519)], told);
      expect([isIn, asked]).toEqual([true, ["none", "publickey", "publickey"]]);
    }
  });

  test("a host that speaks for the user, once for each key of the host", async () => {
    const host = { hostname: "client.example.", username: "foo" };
    const options = { addressesOf: () => ["192.0.2.1"] };
    for (const [name, key] of Object.entries(keys)) {
      const client = new SSHUserAuthClient("foo", new NextService());
      client.getHostBasedIdentity = () => ({ ...host, key });
      const known = new HostBasedChecker({ "client.example": [key.public()] }, options);
      expect(await meet(client, [known]), name).toMatchObject({ isIn: true, asked: ["none", "hostbased"] });
      const stranger = new SSHUserAuthClient("foo", new NextService());
      stranger.getHostBasedIdentity = () => ({ ...host, key });
      const unknown = new HostBasedChecker({ "client.example": [authority.public()] }, options);
      expect(await meet(stranger, [unknown]), name).toMatchObject({ isIn: false, asked: ["none", "hostbased"] });
    }
  });

  test("no host, where none would speak for the user or its key is out of reach", async () => {
    for (const broken of [() => null, () => fail(new Error("no agent"))]) {
      const client = new SSHUserAuthClient("foo", new NextService());
      client.getHostBasedIdentity = broken;
      expect(await meet(client, [new HostBasedChecker({})])).toMatchObject({ isIn: false, asked: ["none"] });
    }
  });

  test("a password that must be changed", async () => {
    let stored = "old";
    const accounts: ICredentialsChecker = {
      credentialInterfaces: [IUsernamePassword, IUsernamePasswordChange],
      requestAvatarId(credentials) {
        const change = credentials as IUsernamePassword & Partial<IUsernamePasswordChange>;
        const { username, password: given, newPassword } = change;
        if (given !== stored) throw new UnauthorizedLogin();
        if (newPassword !== undefined) stored = newPassword;
        else if (given === "old") throw new PasswordChangeRequired("New password: ");
        return username;
      },
    };
    const client = new SSHUserAuthClient("foo", new NextService());
    const prompts: (string | null)[] = [];
    client.getPassword = (prompt) => {
      prompts.push(prompt ?? null);
      return succeed(prompt === "New password: " ? "better" : "old");
    };
    const { isIn, asked } = await meet(client, [accounts]);
    expect([isIn, asked, stored]).toEqual([true, ["none", "password", "password"], "better"]);
    expect(prompts).toEqual([null, "Old Password: ", "New password: "]);
  });

  test("several rounds of questions, one of them without any", async () => {
    const asking: ICredentialsChecker = {
      credentialInterfaces: [IKeyboardInteractive],
      async requestAvatarId(credentials) {
        const user = credentials as IKeyboardInteractive;
        const first = await user.ask(["Password: ", ["Colour: ", true]], "Two things.", "Login");
        const nothing = await user.ask([], "Wait a little.");
        const last = await user.ask(["Code: "]);
        if ([...first, ...nothing, ...last].join() !== "good,blue,42") throw new UnauthorizedLogin();
        return user.username;
      },
    };
    const client = new SSHUserAuthClient("foo", new NextService());
    const rounds: unknown[] = [];
    const answers = new Map([
      ["Password: ", "good"],
      ["Colour: ", "blue"],
      ["Code: ", "42"],
    ]);
    client.getGenericAnswers = (name, instruction, prompts) => {
      rounds.push([name, instruction, ...prompts]);
      return prompts.map(([prompt]) => answers.get(prompt)!);
    };
    const { isIn } = await meet(client, [asking]);
    expect(isIn).toBe(true);
    expect(rounds).toEqual([
      ["Login", "Two things.", ["Password: ", false], ["Colour: ", true]],
      ["", "Wait a little."],
      ["", "", ["Code: ", false]],
    ]);
  });
});
