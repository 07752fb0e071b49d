/** User names that would be something else if they were taken for more than text, with every checker that runs in this process. */
import {
  HostBasedChecker,
  InMemorySSHKeyDB,
  SSHProtocolChecker,
  SSHPublicKeyChecker,
  UNIXAuthorizedKeysFiles,
  UNIXPasswordDatabase,
} from "@strombus/conch/checkers";
import { Certificate } from "@strombus/conch/keys/certificate";
import { Key } from "@strombus/conch/ssh/keys";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  FilePasswordDB,
  type ICredentialsChecker,
  InMemoryUsernamePasswordDatabaseDontUse,
} from "@strombus/cred/checkers";
import { SSHHostBased, SSHPrivateKey, UsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { openDatabase, SQLPasswordDB } from "@strombus/cred/sql";
import { maybeDeferred } from "@strombus/reactor/defer";
import { KeyError } from "@strombus/reactor/exceptions";
import { formatEvent, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { afterAll, describe, expect, test } from "vitest";
import { harmless, NAMES } from "../support/hostile-names.js";

const PASSWORD = "strombus";
/** Two hashes of it that are made quickly. Who has seen one goes by it, and not by a slow one, for unknown users. */
const SCRYPT = "$scrypt$ln=10,r=8,p=1$c2l4dGVlbiBieXRlIHNhbA$t9Mpx8hPKbe4E3/PVRV33nodymqNcahaeBg0oDON2kA";
const DES = "abuT.NwDaAous";
const SEEN = "somebody whom it has seen";
const key = Key.generate("ed25519");
const authority = Key.generate("ed25519");
const DATA = Buffer.from("what is signed");
const folder = mkdtempSync(join(tmpdir(), "strombus-"));
afterAll(() => rmSync(folder, { recursive: true }));

const byPassword = (name: string) => new UsernamePassword(name, PASSWORD);
const byKey = (name: string) => new SSHPrivateKey(name, "ssh-ed25519", key.blob(), DATA, key.sign(DATA));
const byHost = (name: string) => new SSHHostBased(name, "ssh-ed25519", key.blob(), name, name, DATA, key.sign(DATA));

interface Case {
  /** A checker that knows this user, and no other. */
  readonly knowing: (name: string) => ICredentialsChecker | Promise<ICredentialsChecker>;
  readonly credentials: (name: string) => object;
  /** Names that it can hold; others it must refuse. */
  readonly holds?: (name: string) => boolean;
}

const isText = (name: string) => !/[\0\p{Surrogate}]/u.test(name);
const fitsCertificate = (name: string) => isText(name) && name.length < 1024;
let files = 0;

const CASES: Readonly<Record<string, Case>> = {
  InMemoryUsernamePasswordDatabaseDontUse: {
    knowing: (name) => new InMemoryUsernamePasswordDatabaseDontUse(new Map([[name, PASSWORD]])),
    credentials: byPassword,
  },
  FilePasswordDB: {
    knowing(name) {
      const file = join(folder, `passwords${files++}`);
      writeFileSync(file, `${name}:${PASSWORD}\n`);
      return new FilePasswordDB(file);
    },
    credentials: byPassword,
    holds: (name) => !/[:\n\p{Surrogate}]/u.test(name),
  },
  SQLPasswordDB: {
    async knowing(name) {
      const database = openDatabase(":memory:");
      await database.query("CREATE TABLE users (name TEXT PRIMARY KEY, password TEXT NOT NULL)");
      for (const each of [SEEN, name].filter(isText)) {
        await database.query("INSERT INTO users VALUES ($1, $2)", [each, SCRYPT]);
      }
      const checker = new SQLPasswordDB(database);
      await checker.requestAvatarId(byPassword(SEEN));
      return checker;
    },
    credentials: byPassword,
    holds: isText,
  },
  UNIXPasswordDatabase: {
    async knowing(name) {
      const checker = new UNIXPasswordDatabase([
        (asked) => {
          if (asked !== name && asked !== SEEN) throw new KeyError("nobody");
          return { 1: DES };
        },
      ]);
      await checker.requestAvatarId(byPassword(SEEN));
      return checker;
    },
    credentials: byPassword,
  },
  "SSHPublicKeyChecker, keys in memory": {
    knowing: (name) => new SSHPublicKeyChecker(new InMemorySSHKeyDB(new Map([[name, [key.public()]]]))),
    credentials: byKey,
  },
  "SSHPublicKeyChecker, keys in files": {
    knowing(name) {
      const home = join(folder, `home${files++}`);
      mkdirSync(join(home, ".ssh"), { recursive: true });
      writeFileSync(join(home, ".ssh/authorized_keys"), key.public().toString("openssh"));
      const entry = { pw_name: name, pw_passwd: "x", pw_uid: 1, pw_gid: 1, pw_gecos: "", pw_dir: home, pw_shell: "" };
      const getpwnam = (asked: string) => {
        if (asked !== name) throw new KeyError("nobody");
        return entry;
      };
      return new SSHPublicKeyChecker(new UNIXAuthorizedKeysFiles({ getpwnam }));
    },
    credentials: byKey,
  },
  "SSHPublicKeyChecker, certificates": {
    async knowing(name) {
      const request = { kind: "user", keyId: name.slice(0, 64), validBefore: Infinity, key: key.public() } as const;
      certificate = fitsCertificate(name)
        ? await Certificate.issue(authority, { ...request, principals: [name] })
        : certificate;
      return new SSHPublicKeyChecker(new InMemorySSHKeyDB({}), { trustedUserCAKeys: [authority.public()] });
    },
    credentials: (name) => new SSHPrivateKey(name, certificate!.sshType, certificate!.blob, DATA, key.sign(DATA)),
    holds: fitsCertificate,
  },
  HostBasedChecker: {
    knowing: (name) => new HostBasedChecker(new Map([[name, [key.public()]]]), { addressesOf: () => [] }),
    credentials: byHost,
    holds: () => false, // nobody knows where these come from
  },
  SSHProtocolChecker: {
    knowing(name) {
      const checker = new SSHProtocolChecker();
      checker.registerChecker(new InMemoryUsernamePasswordDatabaseDontUse(new Map([[name, PASSWORD]])));
      return checker;
    },
    credentials: byPassword,
  },
};

let certificate: Certificate | null = null;

for (const [what, { knowing, credentials, holds = () => true }] of Object.entries(CASES)) {
  describe(what, () => {
    test("takes every name for text: it is that user, or nobody", async () => {
      const logged: string[] = [];
      const observer = (event: LogEvent) => void logged.push(formatEvent(event));
      globalLogPublisher.addObserver(observer);
      for (const [kind, name] of Object.entries(NAMES)) {
        const toAlice = await knowing("alice");
        expect(await outcome(toAlice, credentials(name)), `${kind}, where alice is known`).toBe("refused");
        const expected = holds(name) ? name : "refused";
        expect(await outcome(await knowing(name), credentials(name)), `${kind}, where it is known`).toBe(expected);
      }
      globalLogPublisher.removeObserver(observer);
      for (const line of logged) expect(line).toMatch(harmless);
    });
  });
}

async function outcome(checker: ICredentialsChecker, credentials: object): Promise<unknown> {
  return maybeDeferred(() => checker.requestAvatarId(credentials)).then(
    (name: unknown) => name,
    (error: unknown) => (error instanceof UnauthorizedLogin ? "refused" : error),
  );
}
