import { IPv4Address } from "@strombus/reactor/address";
import { SSHHostBased, SSHPrivateKey } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { describe, expect, test } from "vitest";
import { AuthorizedKey, HostBasedChecker, InMemorySSHKeyDB, SSHPublicKeyChecker } from "../checkers.js";
import { ValidPublicKey } from "../error.js";
import { Certificate, type CertificateRequest } from "../keys/certificate.js";
import type { RevocationList } from "../keys/krl.js";
import { restrictionsOf } from "../permissions.js";
import { SSHTransportAddress } from "../ssh/address.js";
import { Key } from "../ssh/keys.js";
import type { SSHTransportBase } from "../ssh/transport.js";
import { LoginScope, noteScope } from "../userauth/scope.js";

const NOW = 1_000_000;
const user = Key.generate("ed25519");
const authority = Key.generate("ed25519");
const data = Buffer.from("what is signed");

/** Credentials as a server gives them that somebody connects to from this address. */
function shown(blob: Buffer, { address = "192.0.2.1", signed = true, signer = user } = {}): SSHPrivateKey {
  const signature = signed ? signer.sign(data) : null;
  const credentials = new SSHPrivateKey("alice", "ssh-ed25519", blob, signed ? data : null, signature);
  return from(credentials, address);
}

function from<T extends object>(credentials: T, address: string): T {
  const transport = { getPeer: () => new SSHTransportAddress(new IPv4Address("TCP", address, 1)) };
  noteScope(credentials, new LoginScope(), transport as unknown as SSHTransportBase);
  return credentials;
}

const lineOf = (key: Key) => key.public().toString("openssh").toString();
/** A checker that knows alice by this line. */
const withLine = (options: string, key = user) =>
  new SSHPublicKeyChecker(new InMemorySSHKeyDB({ alice: [AuthorizedKey.fromString(`${options} ${lineOf(key)}`)] }), {
    now: () => NOW,
  });

describe("the options of a key", () => {
  test("A15: reach the login, and only with a signature", async () => {
    const checker = withLine('restrict,command="backup"');
    const login = shown(user.blob());
    expect(await checker.requestAvatarId(login)).toBe("alice");
    expect(restrictionsOf(login)).toMatchObject({ pty: false, command: "backup" });
    const query = shown(user.blob(), { signed: false });
    await expect(checker.requestAvatarId(query)).rejects.toThrow(ValidPublicKey);
    expect(restrictionsOf(query).pty).toBe(true);
    const forged = shown(user.blob(), { signer: authority });
    await expect(checker.requestAvatarId(forged)).rejects.toThrow("Key signature invalid.");
    expect(restrictionsOf(forged).pty).toBe(true);
  });

  for (const signed of [true, false]) {
    const what = signed ? "a login" : "a question";
    test(`from: ${what} from elsewhere, or from nobody knows where, is refused`, async () => {
      const checker = withLine('from="192.0.2.0/24"');
      const here = checker.requestAvatarId(shown(user.blob(), { signed }));
      await (signed ? expect(here).resolves.toBe("alice") : expect(here).rejects.toThrow(ValidPublicKey));
      const elsewhere = shown(user.blob(), { signed, address: "198.51.100.1" });
      await expect(checker.requestAvatarId(elsewhere)).rejects.toThrow("not authorized from this address");
      const unknown = new SSHPrivateKey("alice", "ssh-ed25519", user.blob(), data, user.sign(data));
      await expect(checker.requestAvatarId(unknown)).rejects.toThrow("not authorized from this address");
    });
  }

  test("expiry-time: the key is worth nothing from then on", async () => {
    expect(await withLine('expiry-time="19700112134641Z"').requestAvatarId(shown(user.blob()))).toBe("alice");
    const over = withLine('expiry-time="19700112134640Z"').requestAvatarId(shown(user.blob()));
    await expect(over).rejects.toThrow("Key expired");
  });

  test("of several lines for one key the first that lets in counts", async () => {
    const lines = ['from="198.51.100.1"', 'command="second"', 'command="third"'];
    const keys = lines.map((options) => AuthorizedKey.fromString(`${options} ${lineOf(user)}`));
    const login = shown(user.blob());
    await new SSHPublicKeyChecker(new InMemorySSHKeyDB({ alice: keys })).requestAvatarId(login);
    expect(restrictionsOf(login).command).toBe("second");
  });

  test("cert-authority: the authority's own key lets nobody in", async () => {
    const login = shown(authority.blob(), { signer: authority });
    await expect(withLine("cert-authority", authority).requestAvatarId(login)).rejects.toThrow("Key not authorized");
  });
});

describe("a certificate", () => {
  const issue = async (request: Partial<CertificateRequest> = {}, signer = authority) =>
    (
      await Certificate.issue(signer, {
        kind: "user",
        keyId: "alice's",
        principals: ["alice"],
        validAfter: NOW - 1,
        validBefore: NOW + 1,
        key: user.public(),
        ...request,
      })
    ).blob;
  const trusting = (options = {}) =>
    new SSHPublicKeyChecker(new InMemorySSHKeyDB({}), {
      trustedUserCAKeys: [authority.public()],
      now: () => NOW,
      ...options,
    });

  test("of a trusted authority lets in, with what its extensions permit", async () => {
    const extensions = new Map([
      ["permit-pty", ""],
      ["permit-agent-forwarding", ""],
    ]);
    const login = shown(await issue({ extensions }));
    expect(await trusting().requestAvatarId(login)).toBe("alice");
    expect(restrictionsOf(login)).toMatchObject({ pty: true, agentForwarding: true, portForwarding: false });
    const query = shown(await issue(), { signed: false });
    await expect(trusting().requestAvatarId(query)).rejects.toThrow(ValidPublicKey);
  });

  test("of an authority in authorized_keys is held to both its own restrictions and the line's", async () => {
    const login = shown(await issue({ extensions: new Map([["permit-pty", ""]]) }));
    await withLine('cert-authority,no-pty,command="run"', authority).requestAvatarId(login);
    expect(restrictionsOf(login)).toMatchObject({ pty: false, command: "run", x11Forwarding: false });
    const options = 'cert-authority,principals="bob"';
    await expect(withLine(options, authority).requestAvatarId(shown(await issue()))).rejects.toThrow(UnauthorizedLogin);
  });

  test("force-command and source-address hold", async () => {
    const criticalOptions = new Map([
      ["force-command", "report"],
      ["source-address", "192.0.2.0/24"],
    ]);
    const blob = await issue({ criticalOptions });
    const login = shown(blob);
    await trusting().requestAvatarId(login);
    expect(restrictionsOf(login).command).toBe("report");
    const elsewhere = trusting().requestAvatarId(shown(blob, { address: "198.51.100.1" }));
    await expect(elsewhere).rejects.toThrow("not for this address");
  });

  test("names of principals may be the application's", async () => {
    const checker = trusting({ authorizedPrincipals: () => Promise.resolve(["ops"]) });
    expect(await checker.requestAvatarId(shown(await issue({ principals: ["dev", "ops"] })))).toBe("alice");
    await expect(checker.requestAvatarId(shown(await issue()))).rejects.toThrow(UnauthorizedLogin);
    const nobody = trusting({ authorizedPrincipals: () => [] });
    await expect(nobody.requestAvatarId(shown(await issue({ principals: [""] })))).rejects.toThrow(UnauthorizedLogin);
  });

  for (const [what, request] of [
    ["without names", { principals: [] }],
    ["for another user", { principals: ["bob"] }],
    ["that has expired", { validBefore: NOW }],
    ["that is not valid yet", { validAfter: NOW + 1, validBefore: NOW + 2 }],
    ["for hosts", { kind: "host" }],
    ["with an unknown critical option", { criticalOptions: new Map([["unknown", ""]]) }],
    ["with a source-address that is none", { criticalOptions: new Map([["source-address", "*"]]) }],
  ] as const) {
    test(`${what} is refused, with a signature and without`, async () => {
      for (const signed of [true, false]) {
        const error: unknown = await trusting()
          .requestAvatarId(shown(await issue(request), { signed }))
          .then(undefined, (reason: unknown) => reason);
        expect(error).toBeInstanceOf(UnauthorizedLogin);
        expect(error).not.toBeInstanceOf(ValidPublicKey);
      }
    });
  }

  test("of another authority, or signed by another key, is refused", async () => {
    const foreign = shown(await issue({}, Key.generate("ed25519")));
    await expect(trusting().requestAvatarId(foreign)).rejects.toThrow(UnauthorizedLogin);
    const stolen = shown(await issue(), { signer: Key.generate("ed25519") });
    await expect(trusting().requestAvatarId(stolen)).rejects.toThrow("Key signature invalid.");
  });

  test("that was revoked is refused, and so is a revoked key", async () => {
    const revoked = { isRevoked: () => true } as unknown as RevocationList;
    const login = shown(await issue());
    await expect(trusting({ revoked }).requestAvatarId(login)).rejects.toThrow("Key revoked");
    const keys = new InMemorySSHKeyDB({ alice: [user.public()] });
    const checker = new SSHPublicKeyChecker(keys, { revoked: () => Promise.resolve(revoked) });
    await expect(checker.requestAvatarId(shown(user.blob()))).rejects.toThrow("Key revoked");
  });

  test("does not let in by a plain key that is authorized", async () => {
    const keys = new InMemorySSHKeyDB({ alice: [user.public()] });
    const login = shown(await issue());
    await expect(new SSHPublicKeyChecker(keys).requestAvatarId(login)).rejects.toThrow("Key not authorized");
  });
});

describe("HostBasedChecker", () => {
  const host = Key.generate("ed25519");
  const says = ({
    key = host,
    signer = null as Key | null,
    name = "Build.Example.",
    client = "alice",
    address = "192.0.2.1",
  } = {}) => {
    const signature = (signer ?? key).sign(data);
    return from(new SSHHostBased("alice", "ssh-ed25519", key.blob(), name, client, data, signature), address);
  };
  const checker = new HostBasedChecker(
    { "build.example": [host.public()] },
    { addressesOf: (name) => (name === "build.example" ? ["192.0.2.1"] : []) },
  );

  test("lets in the user of the same name on a known host", async () => {
    expect(await checker.requestAvatarId(says())).toBe("alice");
  });

  test("refuses every other host, key, address and user", async () => {
    for (const claim of [
      says({ name: "other.example" }),
      says({ name: "__proto__" }),
      says({ key: user }),
      says({ signer: user }),
      says({ address: "198.51.100.1" }),
      says({ client: "bob" }),
    ]) {
      await expect(checker.requestAvatarId(claim)).rejects.toThrow(UnauthorizedLogin);
    }
  });
});
