/**
 * Whether a name is a user's does not show (rule A12): not in what is answered and when, and not in what is done for it,
 * by counts of work and not by a watch. Who is asked for is drawn by lot from those who exist and those who do not.
 */
import crypto from "node:crypto";
import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import {
  HostBasedChecker,
  InMemorySSHKeyDB,
  SSHProtocolChecker,
  SSHPublicKeyChecker,
  type PasswdEntry,
  UNIXAuthorizedKeysFiles,
  UNIXPasswordDatabase,
  type UserDatabase,
} from "@strombus/conch/checkers";
import { Certificate } from "@strombus/conch/keys/certificate";
import { Key } from "@strombus/conch/ssh/keys";
import {
  FilePasswordDB,
  type ICredentialsChecker,
  InMemoryUsernamePasswordDatabaseDontUse,
} from "@strombus/cred/checkers";
import { type ICredentials, IKeyboardInteractive, UsernamePassword } from "@strombus/cred/credentials";
import { openDatabase, SQLPasswordDB } from "@strombus/cred/sql";
import { maybeDeferred } from "@strombus/reactor/defer";
import { KeyError } from "@strombus/reactor/exceptions";
import { globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ANSWERS,
  asking,
  change,
  DELAY,
  dialogue,
  HOST_BOUND,
  type Login,
  login,
  password,
  query,
  REPLY,
  REQUEST,
  requestOf,
  SERVICE,
  withSignature,
} from "../support/memory-login.js";
import { fields } from "../support/memory-ssh.js";

const PASSWORD = "strombus";
/** Hashes of it that are made quickly. */
const SCRYPT = "$scrypt$ln=10,r=8,p=1$c2l4dGVlbiBieXRlIHNhbA$t9Mpx8hPKbe4E3/PVRV33nodymqNcahaeBg0oDON2kA";
const DES = "abuT.NwDaAous";

const SEED = 20_260_214;
const DRAWN = 3; // of each

/** What has been computed: what was called, and with how much. */
const work: string[] = [];

/** Costs of a call that its arguments tell, never what is in them. */
const COSTLY = {
  scrypt: (...args: unknown[]) => JSON.stringify([bytesIn(args[0]), args[2], args[3]]),
  createHash: (...args: unknown[]) => String(args[0]),
  createHmac: (...args: unknown[]) => String(args[0]),
  timingSafeEqual: (...args: unknown[]) => String(bytesIn(args[0])),
  verify: () => "",
  createPublicKey: () => "",
} satisfies Partial<Record<keyof typeof crypto, (...args: unknown[]) => string>>;

const bytesIn = (value: unknown) => Buffer.byteLength(value as string);
const whole = { ...crypto };
const CRYPT_MEMORY = 32_768; // which each hash by crypt(3) has to itself
const alloc = Buffer.alloc.bind(Buffer);
const { open } = files;

beforeEach(() => {
  for (const [name, cost] of Object.entries(COSTLY)) {
    const original = whole[name as keyof typeof COSTLY] as (...args: unknown[]) => unknown;
    Object.assign(crypto, {
      [name]: (...args: unknown[]) => {
        work.push(`${name} ${cost(...args)}`);
        return original(...args);
      },
    });
  }
  files.open = (path, ...rest) => (work.push(`open ${basename(String(path))}`), open(path, ...rest));
  syncBuiltinESMExports();
  Buffer.alloc = (size: number, ...rest: [never]) => {
    if (size === CRYPT_MEMORY) work.push("crypt");
    return alloc(size, ...rest);
  };
});
afterEach(() => {
  for (const name of Object.keys(COSTLY)) Object.assign(crypto, { [name]: whole[name as keyof typeof COSTLY] });
  files.open = open;
  syncBuiltinESMExports();
  Buffer.alloc = alloc;
});

const folder = mkdtempSync(join(tmpdir(), "strombus-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Numbers from 0 to below 1 that are the same each time. */
function lots(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Names of one length, so that none tells itself apart: who exists, and who does not. */
const names = Array.from({ length: 2 * DRAWN }, (_, n) => `user${String(n * 7919).padStart(6, "0")}`);
const KNOWN = names.slice(0, DRAWN);
const UNKNOWN = names.slice(DRAWN);
const users = new Map(KNOWN.map((name) => [name, PASSWORD]));

const key = Key.generate("ed25519");
const hers = Key.generate("ed25519");
const authority = Key.generate("ed25519");
const certificate = await Certificate.issue(authority, {
  kind: "user",
  keyId: "of nobody",
  principals: ["nobody"],
  validBefore: Infinity,
  key: key.public(),
});

/** What a checker does counts; it may take its time. */
class Counted {
  calls = 0;
  #pending = 0;

  constructor(readonly checkers: readonly ICredentialsChecker[]) {}

  wrapped(): ICredentialsChecker[] {
    return this.checkers.map((checker) => ({
      credentialInterfaces: checker.credentialInterfaces,
      requestAvatarId: (credentials: ICredentials) => {
        this.calls++;
        this.#pending++;
        const done = (result: unknown) => (this.#pending--, result as never);
        return maybeDeferred(() => checker.requestAvatarId(credentials)).addBoth(done);
      },
    }));
  }

  async atRest(made: Login): Promise<void> {
    await made.settle();
    while (this.#pending > 0 && made.answers().at(-1) !== REPLY) {
      await new Promise(setImmediate); // for the threads that hash
      await made.settle();
    }
    await made.settle();
  }
}

/** All that one login costs and shows. */
async function costOf(
  checkers: readonly ICredentialsChecker[],
  said: Said,
  user: string,
  mayLog = false,
): Promise<string> {
  const counted = new Counted(checkers);
  const events: string[] = [];
  const observer = ({ log_level, log_format }: LogEvent) => {
    if (!mayLog) events.push(`${log_level?.name} ${log_format}`);
  };
  const made = await login({ checkers: counted.wrapped() });
  const timers: number[] = [];
  const callLater = made.clock.callLater.bind(made.clock);
  made.clock.callLater = (seconds, ...rest) => (timers.push(seconds), callLater(seconds, ...rest));
  const [sent, began] = [made.server.bytesSent, made.clock.seconds()];
  work.length = 0;
  globalLogPublisher.addObserver(observer);
  const shown: unknown[] = [];
  for (const each of said(user, made)) {
    const before = made.got.length;
    await made.say(each);
    await counted.atRest(made);
    const computed = [...work]; // before anything is answered
    while (made.got.length === before && made.server.said.length === 0 && made.clock.seconds() - began < 10) {
      await made.pass(DELAY / 5);
      await counted.atRest(made);
    }
    const at = Math.round((made.clock.seconds() - began) * 1000);
    shown.push([at, computed, ...made.got.slice(before).map(([number, body]) => [number, body.toString("hex")])]);
  }
  globalLogPublisher.removeObserver(observer);
  const { said: disconnects } = made.server;
  const cost = { shown, work, timers, events, calls: counted.calls, bytes: made.server.bytesSent - sent, disconnects };
  expect(made.avatars).toEqual([]);
  made.clientIO.abortConnection();
  await made.settle();
  return JSON.stringify(cost).replaceAll(user, "USER").replaceAll(Buffer.from(user).toString("hex"), "USER");
}

type Said = (user: string, made: Login) => readonly (readonly [number: number, body: Buffer])[];

const one =
  (request: (user: string, made: Login) => Buffer): Said =>
  (user, made) => [[REQUEST, request(user, made)]];

const cut = (request: Buffer): Buffer => request.subarray(0, -3);
const longer = (request: Buffer): Buffer => Buffer.concat([request, Buffer.of(0)]);

const BY_PASSWORD: Readonly<Record<string, Said>> = {
  "a wrong password": one((user) => password("wrong", user)),
  "no password": one((user) => password("", user)),
  "CVE-2016-6210: a password of 1,000 bytes": one((user) => password("x".repeat(1000), user)),
  "a password with a NUL": one((user) => password("stromb\0us", user)),
  "a right password to be changed": one((user) => change(PASSWORD, "new", user)),
  "a wrong password for a service that is not run": one((user) => password("wrong", user, "nonsense")),
  "three guesses ahead": (user) => ["a", "b", "c"].map((guess) => [REQUEST, password(guess, user)] as const),
};

const MALFORMED: Readonly<Record<string, Said>> = {
  "a password that is no text": one((user) => password(Buffer.from([0xff, 0xfe]), user)),
  "CVE-2016-6210: a password of 20,000 bytes": one((user) => password("x".repeat(20_000), user)),
  "CVE-2018-15473: a password that is cut off": one((user) => cut(password(PASSWORD, user))),
  "CVE-2018-15473: a password with something behind it": one((user) => longer(password(PASSWORD, user))),
};

const BY_KEY: Readonly<Record<string, Said>> = {
  "a question about another's key": one((user) => query(key, { user })),
  "a question that is bound to the host": one((user) => query(key, { user, method: HOST_BOUND })),
  "a question about a certificate": one((user) =>
    query(key, { user, algorithm: certificate.sshType, blob: certificate.blob }),
  ),
  "a signature by another's key": one((user, { signed }) => signed(key, { user })),
  "a signature by a certificate for another": one((user, { signed }) =>
    signed(key, { user, algorithm: certificate.sshType, blob: certificate.blob }),
  ),
};

const MALFORMED_KEYS: Readonly<Record<string, Said>> = {
  "a signature of nonsense": one((user) =>
    withSignature(requestOf(key, { user }), fields("ssh-ed25519", Buffer.alloc(64, 1))),
  ),
  "a key that is weak": one((user) => query(key, { user, algorithm: "ssh-dss" })),
  "CVE-2018-15473: a signature that is cut off": one((user, { signed }) => cut(signed(key, { user }))),
  "CVE-2018-15473: a key that is none": one((user) => query(key, { user, blob: Buffer.from("nonsense") })),
  "CVE-2018-15473: no signature where one is due": one((user) => cut(query(key, { user }))),
};

const BY_QUESTIONS: Readonly<Record<string, Said>> = {
  "a dialogue with a wrong answer": (user) => [
    [REQUEST, dialogue(user)],
    [ANSWERS, fields(1, "wrong")],
  ],
  "a dialogue with too few answers": (user) => [
    [REQUEST, dialogue(user)],
    [ANSWERS, fields(0)],
  ],
  "CVE-2018-15473: a dialogue with answers that are cut off": (user) => [
    [REQUEST, dialogue(user)],
    [ANSWERS, cut(fields(1, "wrong"))],
  ],
  "CVE-2018-15473: a dialogue that is cut off": one((user) => cut(dialogue(user))),
};

const OTHERS: Readonly<Record<string, Said>> = {
  none: one((user) => fields(user, SERVICE, "none")),
  "none, with something behind it": one((user) => fields(user, SERVICE, "none", "x")),
  "CVE-2018-15919: GSSAPI": one((user) =>
    Buffer.concat([fields(user, SERVICE, "gssapi-with-mic", 1), fields(Buffer.from("06092a864886f712010202", "hex"))]),
  ),
  "CVE-2018-15919: GSSAPI of the key exchange": one((user) => fields(user, SERVICE, "gssapi-keyex", "mic")),
  "a method that there is none of": one((user) => fields(user, SERVICE, "constructor")),
};

const hosts: Readonly<Record<string, Said>> = {
  "a host that vouches for itself": one((user) =>
    fields(user, SERVICE, "hostbased", "ssh-ed25519", key.blob(), "client.", user, fields("ssh-ed25519", "x")),
  ),
};

async function table(stored: string): Promise<SQLPasswordDB> {
  const database = openDatabase(":memory:");
  await database.query("CREATE TABLE users (name TEXT PRIMARY KEY, password TEXT NOT NULL)");
  for (const name of KNOWN) await database.query("INSERT INTO users VALUES ($1, $2)", [name, stored]);
  const asked = {
    query: (...args: Parameters<typeof database.query>) => (work.push("query"), database.query(...args)),
    close() {},
  };
  return new SQLPasswordDB(asked);
}

/** Every other one has what is no hash there: nobody logs in by it. */
async function tableWithLocks(): Promise<SQLPasswordDB> {
  const checker = await table(SCRYPT);
  for (const [n, name] of KNOWN.entries()) {
    if (n % 2 === 1) await checker.database.query("UPDATE users SET password = '!' WHERE name = $1", [name]);
  }
  return checker;
}

function file(hash: ConstructorParameters<typeof FilePasswordDB>[5] = null): FilePasswordDB {
  const path = join(folder, `passwords${hash === null ? "" : ".hashed"}`);
  writeFileSync(path, KNOWN.map((name) => `${name}:${PASSWORD}\n`).join(""));
  return new FilePasswordDB(path, { hash });
}

/** Accounts by crypt(3); every other one is locked. */
function accounts(): UNIXPasswordDatabase {
  return new UNIXPasswordDatabase([
    (name) => {
      if (!users.has(name)) throw new KeyError("nobody");
      return { 1: KNOWN.indexOf(name) % 2 === 0 ? DES : "!" };
    },
  ]);
}

/** Accounts with a home each, in which there are no keys. */
const homes: UserDatabase = {
  getpwnam(name) {
    if (!users.has(name)) throw new KeyError("nobody");
    return { pw_name: name, pw_dir: join(folder, name) } as PasswdEntry;
  },
};
const keysOf = new InMemorySSHKeyDB(new Map(KNOWN.map((name) => [name, [hers.public()]])));

/** Asks first, whoever it is, and looks in a table then. */
const questions = (asked: ICredentialsChecker) =>
  asking<IKeyboardInteractive>(async (user) => {
    const [answer] = await user.ask([`Password of ${user.username}: `]);
    return asked.requestAvatarId(new UsernamePassword(user.username, answer!));
  }, IKeyboardInteractive);

/** A key and then a password. */
function steps(): SSHProtocolChecker {
  const checker = new SSHProtocolChecker();
  checker.registerChecker(new SSHPublicKeyChecker(keysOf));
  checker.registerChecker(new InMemoryUsernamePasswordDatabaseDontUse(users));
  return checker;
}

interface Case {
  readonly checkers: () => Promise<readonly ICredentialsChecker[]> | readonly ICredentialsChecker[];
  readonly said: Readonly<Record<string, Said>>;
  /** Asked for first, by somebody who exists: what has seen a hash goes by it. */
  readonly first?: boolean;
  /** The log may tell who exists; whoever asks does not see it. */
  readonly logs?: boolean;
}

const inMemory = () => new InMemoryUsernamePasswordDatabaseDontUse(users);
const CASES: Readonly<Record<string, Case>> = {
  "passwords in memory": { checkers: () => [inMemory()], said: { ...BY_PASSWORD, ...MALFORMED, ...OTHERS } },
  "passwords in a file": { checkers: () => [file()], said: BY_PASSWORD },
  "hashed passwords in a file": {
    checkers: () => [
      file(async (_user, given, stored) => {
        work.push(`hash of ${given.length} with ${stored.length}`);
        return Promise.resolve(given);
      }),
    ],
    said: BY_PASSWORD,
  },
  "passwords in a table": { checkers: async () => [await table(SCRYPT)], said: BY_PASSWORD, first: true },
  "passwords in a table, some of them locked": {
    checkers: async () => [await tableWithLocks()],
    said: BY_PASSWORD,
    first: true,
    logs: true,
  },
  "passwords of accounts": { checkers: () => [accounts()], said: BY_PASSWORD, first: true },
  "keys in memory": {
    checkers: () => [new SSHPublicKeyChecker(keysOf)],
    said: { ...BY_KEY, ...MALFORMED_KEYS, ...OTHERS },
  },
  "keys in files": { checkers: () => [new SSHPublicKeyChecker(new UNIXAuthorizedKeysFiles(homes))], said: BY_KEY },
  "keys that every question is answered for": {
    checkers: () => [new SSHPublicKeyChecker(keysOf, { answersEveryQuery: true })],
    said: BY_KEY,
  },
  "certificates of an authority": {
    checkers: () => [new SSHPublicKeyChecker(keysOf, { trustedUserCAKeys: [authority.public()] })],
    said: BY_KEY,
  },
  "a key and a password": { checkers: () => [steps()], said: { ...BY_KEY, ...BY_PASSWORD } },
  "questions, and passwords in memory": { checkers: () => [questions(inMemory())], said: BY_QUESTIONS },
  "questions, and passwords in a table": {
    checkers: async () => [questions(await table(SCRYPT))],
    said: BY_QUESTIONS,
    first: true,
  },
  "a host's word": {
    checkers: () => [new HostBasedChecker({ client: [hers.public()] }, { addressesOf: () => ["127.0.0.1"] })],
    said: hosts,
  },
  "nothing at all": { checkers: () => [], said: { ...MALFORMED, ...MALFORMED_KEYS, ...BY_QUESTIONS } },
};

describe.each(Object.keys(CASES))("%s", (what) => {
  const { checkers: make, said, first = false, logs = false } = CASES[what]!;

  for (const [request, says] of Object.entries(said)) {
    test(`A12: ${request}: costs and shows the same for who exists and for who does not`, async () => {
      const checkers = await make();
      if (first) await costOf(checkers, says, KNOWN[0]!);
      const lot = lots(SEED);
      const waiting = [[...KNOWN], [...UNKNOWN]];
      const costs = [new Map<string, number>(), new Map<string, number>()];
      while (waiting.some(({ length }) => length > 0)) {
        const which = lot() < waiting[0]!.length / (waiting[0]!.length + waiting[1]!.length) ? 0 : 1;
        const [name] = waiting[which]!.splice(Math.floor(lot() * waiting[which]!.length), 1);
        const cost = await costOf(checkers, says, name!, logs);
        costs[which]!.set(cost, (costs[which]!.get(cost) ?? 0) + 1);
      }
      // Nobody could bet on who exists by any of it: each cost is as frequent with the ones as with the others.
      expect([...costs[1]!]).toEqual([...costs[0]!]);
      expect(costs[0]!.size).toBe(1);
    });
  }
});
