/** What can be said before anybody is logged in, in what order and how often (rules A1 to A3, A10, A11, A14, A17). */
import { IKeyboardInteractive, ISSHHostBased } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { NotEnoughAuthentication } from "@strombus/conch/error";
import { Key } from "@strombus/conch/ssh/keys";
import { describe, expect, test } from "vitest";
import {
  ANSWERS,
  asking,
  change,
  credulous,
  DELAY,
  dialogue,
  FAILURE,
  HOST_BOUND,
  type Login,
  login,
  password,
  passwords,
  query,
  REPLY,
  REQUEST,
  SERVICE,
  SUCCESS,
} from "../support/memory-login.js";
import { fields, intrudes, lenient, pair, secured } from "../support/memory-ssh.js";

const key = Key.generate("ed25519");
const AGAIN = [5, fields("ssh-userauth")] as const;
const no = (): never => {
  throw new UnauthorizedLogin("no");
};

/** Asks two questions, and lets in who answers both with their number. */
const questions = () =>
  asking<IKeyboardInteractive>(async (user) => {
    const answers = await user.ask(["one? ", "two? "]);
    if (answers.join() !== "1,2") no();
    return user.username;
  }, IKeyboardInteractive);

describe("a login", () => {
  test("A1: begins with keys and the request for its service, and with nothing less", async () => {
    const checker = passwords();
    const early = await secured();
    early.client.force(REQUEST, password("right"));
    await early.settle();
    expect([early.server.said, early.server.dispatched.includes(REQUEST)]).toEqual([[2], false]);
    // Even where the exchange is not strict.
    for (const message of [AGAIN, [REQUEST, password("right")]] as const) {
      const inTheClear = pair((client) => {
        lenient(client);
        intrudes(client, message);
      });
      await inTheClear.settle();
      expect([inTheClear.server.said, inTheClear.server.service]).toEqual([[2], null]);
    }
    for (const name of [SERVICE, "", "ssh-userauth\0", "SSH-USERAUTH"]) {
      const other = await login({
        checkers: [checker],
        prepare: (_server, _factory, client) => client.rewrite(renamed(name)),
      });
      expect([name, other.server.said, other.server.service]).toEqual([name, [7], null]);
    }
    expect(checker.asked).toEqual([]);
  });

  test("A1: takes no secret where nothing encrypts it", async () => {
    const [checker, user] = [passwords(), questions()];
    const prepare: Parameters<typeof login>[0]["prepare"] = (server) => {
      server.isEncrypted = (direction) => direction === "out"; // ours is of no help
    };
    const made = await login({ checkers: [checker, user, asking(no)], prepare });
    await made.ask(password("right"));
    await made.ask(dialogue());
    expect([made.answers(), checker.asked, user.asked]).toEqual([[FAILURE, FAILURE], [], []]);
    expect(made.got.map(([, body]) => body.toString("latin1", 4, body.length - 1))).toEqual(["publickey", "publickey"]);
  });

  test("A1: that asks for its service again is told yes, and has won nothing by it", async () => {
    // Failures are counted on.
    const made = await login({ checkers: [passwords(), questions(), asking(no)] });
    for (let n = 0; n < 6; n++) {
      await made.say(AGAIN, [REQUEST, password(`guess ${n}`)], AGAIN);
      await made.pass(DELAY);
    }
    expect([made.answers(), made.server.said]).toEqual([Array(6).fill(FAILURE), []]);
    await made.say(AGAIN);
    await made.ask(password("right but late, or wrong"));
    expect(made.server.said).toEqual([14]);

    // So are questions about keys, rounds of questions, and requests.
    const keys = await login({ checkers: [asking(no)] });
    for (let n = 0; n < 16; n++) {
      await keys.say(AGAIN);
      await keys.ask(query(key));
    }
    expect([keys.answers().length, keys.server.said]).toEqual([15, [14]]);
    const rounds = await login({ checkers: [questions()], limits: { attemptsBeforeDisconnect: Infinity } });
    for (let n = 0; n < 10; n++) {
      await rounds.say(AGAIN);
      await rounds.ask(dialogue());
    }
    expect(rounds.answers()).toEqual([...Array<number>(8).fill(REPLY), FAILURE, FAILURE]);
    const requests = await login({ checkers: [passwords()] });
    for (let n = 0; n < 129; n++) await requests.say(AGAIN, [REQUEST, fields("alice", SERVICE, "none")]);
    expect([requests.answers().length, requests.server.said]).toEqual([128, [14]]);
  });

  test("A1: that asks for its service again hastens no answer, and gets none twice", async () => {
    const checker = passwords();
    const made = await login({ checkers: [checker] });
    await made.say([REQUEST, password("wrong")], AGAIN, AGAIN);
    await made.pass(DELAY - 0.01);
    await made.say(AGAIN);
    expect(made.answers()).toEqual([]);
    await made.pass(0.01);
    expect(made.answers()).toEqual([FAILURE]);
    await made.pass(10);
    expect([made.answers(), checker.asked.length]).toEqual([[FAILURE], 1]);
  });

  test("A2: succeeds once, and whoever asks for more stays who they are", async () => {
    const checker = passwords();
    const made = await login({ checkers: [checker] });
    await made.ask(password("right"), password("right", "bob"), password("right"), fields("bob", SERVICE, "none"));
    const { avatar } = made.server;
    await made.ask(password("right", "bob"), password("wrong"));
    await made.say([ANSWERS, fields(0)], AGAIN);
    await made.pass(200);
    expect([made.answers(), made.avatars, checker.asked]).toEqual([[SUCCESS], ["alice"], ["alice:right"]]);
    expect([made.server.avatar === avatar, made.server.said, made.logouts]).toEqual([true, [], []]);
    expect([made.client.unimplemented.length, made.client.said]).toEqual([1, []]); // about the service alone
  });

  test("A2: succeeds once also where the checker takes its time, and others have been asked for meanwhile", async () => {
    const grants: (() => void)[] = [];
    const checker = passwords((user) => new Promise((resolve) => grants.push(() => resolve(user))));
    const made = await login({ checkers: [checker] });
    await made.ask(password("right"), password("right", "bob"));
    await made.say(AGAIN);
    for (const grant of [...grants]) grant();
    await made.pass(DELAY);
    for (const grant of [...grants]) grant();
    await made.pass(1);
    expect([made.answers(), made.avatars, checker.asked]).toEqual([[SUCCESS], ["alice"], ["alice:right"]]);
  });

  test("A3: guesses that are sent ahead are tried one by one, each after the delay of the one before", async () => {
    const checker = passwords();
    const made = await login({ checkers: [checker] });
    const guesses = ["a", "b", "c", "d", "e"];
    await made.say(...guesses.map((guess) => [REQUEST, password(guess)] as const));
    for (let n = 1; n <= guesses.length; n++) {
      expect(checker.asked).toEqual(guesses.slice(0, n).map((guess) => `alice:${guess}`));
      expect(made.answers()).toHaveLength(n - 1);
      await made.pass(DELAY - 0.01);
      expect(made.answers()).toHaveLength(n - 1);
      await made.pass(0.01);
    }
    expect(made.answers()).toEqual(Array(5).fill(FAILURE));
  });

  test("A3: more than sixteen guesses ahead end the connection, and none of those that wait is tried", async () => {
    const checker = passwords();
    const made = await login({ checkers: [checker] });
    await made.say(...Array.from({ length: 18 }, (_, n) => [REQUEST, password(`guess ${n}`)] as const));
    await made.pass(100);
    expect([made.server.said, checker.asked]).toEqual([[14], ["alice:guess 0"]]);
  });

  test("A3: a request that comes instead of answers ends the dialogue, which gets no answer any more", async () => {
    const user = questions();
    const made = await login({ checkers: [user, passwords()] });
    await made.ask(dialogue());
    await made.ask(password("wrong"));
    expect(made.answers()).toEqual([REPLY, FAILURE]);
    await made.say([ANSWERS, fields(2, "1", "2")]);
    await made.pass(1);
    expect([made.avatars, made.server.said]).toEqual([[], [2]]);
  });

  test("A10: by none, or by what is nearly the name of a method, fails and asks nobody", async () => {
    const names = [
      "none",
      "None",
      "PASSWORD",
      "password ",
      "password\0",
      "pass-word",
      "keyboard_interactive",
      "public",
    ];
    const inherited = [
      "constructor",
      "__proto__",
      "toString",
      "then",
      "",
      "publickey_hostbound_v00",
      "publickey-hostbound-v00",
    ];
    const [checker, user, host] = [credulous(), questions(), asking(no, ISSHHostBased)];
    for (const name of [...names, ...inherited, "hostbased@example.com", "ssh-userauth", "x".repeat(300)]) {
      const made = await login({ checkers: [passwords(() => "alice"), checker, user, host] });
      await made.ask(fields("alice", SERVICE, name, ...(name === "none" ? [] : [false, "right"])));
      expect([name, made.answers(), made.avatars]).toEqual([name, [FAILURE], []]);
    }
    expect([checker.asked, user.asked, host.asked]).toEqual([[], [], []]);
  });

  test("A10: by a method whose checker nobody registered fails like a wrong one", async () => {
    const checker = passwords();
    for (const request of [dialogue(), query(key), query(key, { method: HOST_BOUND }), change("right", "new")]) {
      const made = await login({ checkers: [checker] });
      await made.say([REQUEST, request]);
      expect(made.answers()).toEqual([]);
      await made.pass(DELAY);
      expect([made.answers(), made.avatars]).toEqual([[FAILURE], []]);
    }
    expect(checker.asked).toEqual([]);
  });
});

describe("a connection", () => {
  const RSA_LIKE = Buffer.alloc(64, 9);
  const badSignature = (user: string) =>
    fields(user, SERVICE, "publickey", true, "ssh-ed25519", key.blob(), fields("ssh-ed25519", RSA_LIKE));
  const host = (user: string) =>
    fields(user, SERVICE, "hostbased", "ssh-ed25519", key.blob(), "client.", user, fields("ssh-ed25519", RSA_LIKE));
  const all = () => [passwords(no), asking(no), asking(no, IKeyboardInteractive), asking(no, ISSHHostBased)];
  const METHODS: Readonly<Record<string, (user: string) => Buffer>> = {
    password: (user) => password("wrong", user),
    "password change": (user) => change("wrong", "new", user),
    publickey: badSignature,
    "keyboard-interactive": (user) => dialogue(user),
    hostbased: host,
    nonsense: (user) => fields(user, SERVICE, "nonsense"),
  };
  const names = ["alice", "bob", "carol", "dave", "eve", "\0", "mallory"];

  for (const [method, request] of Object.entries(METHODS)) {
    test(`A11: has six failures by ${method}, whoever is named`, async () => {
      const made = await login({ checkers: all() });
      for (const name of names) await made.ask(request(name));
      expect([made.answers(), made.server.said]).toEqual([Array(6).fill(FAILURE), [14]]);
    });
  }

  test("A11: has six failures by all methods together", async () => {
    const made = await login({ checkers: all() });
    const requests = [...Object.values(METHODS), METHODS["password"]!];
    for (const [n, request] of requests.entries()) await made.ask(request(names[n]!));
    expect([made.answers(), made.server.said]).toEqual([Array(6).fill(FAILURE), [14]]);
  });

  test("A11: asks about fifteen keys, whoever is named and by whatever method", async () => {
    const checker = asking(no);
    const made = await login({ checkers: [checker] });
    for (let n = 0; n < 16; n++) {
      await made.ask(query(key, { user: names[n % 5]!, method: n % 2 === 0 ? "publickey" : HOST_BOUND }));
    }
    expect([made.answers(), made.server.said, checker.asked.length]).toEqual([Array(15).fill(FAILURE), [14], 15]);
  });

  test("A11: has eight rounds of questions, in one dialogue or in many", async () => {
    const endless = asking<IKeyboardInteractive>(async (user) => {
      for (;;) await user.ask(["again? "]);
    }, IKeyboardInteractive);
    const made = await login({ checkers: [endless] });
    await made.ask(dialogue());
    for (let n = 0; n < 8; n++) await made.say([ANSWERS, fields(1, "yes")]);
    await made.pass(DELAY);
    expect(made.answers()).toEqual([...Array<number>(8).fill(REPLY), FAILURE]);
    await made.ask(dialogue("bob"));
    expect(made.answers().slice(9)).toEqual([FAILURE]);
  });

  test("A11: has 128 requests, and partial successes and cheap ones are among them", async () => {
    const half = passwords(() => {
      throw new NotEnoughAuthentication();
    });
    const made = await login({ checkers: [half], limits: { passwordDelay: 0 } });
    for (let n = 0; n < 128; n++) {
      await made.say([REQUEST, n % 2 === 0 ? password("half") : fields(`user ${n}`, SERVICE, "none")]);
    }
    expect([made.answers().length, made.server.said]).toEqual([128, []]);
    await made.say([REQUEST, fields("alice", SERVICE, "none")]);
    expect([made.answers().length, made.server.said]).toEqual([128, [14]]);
  });
});

describe("a dialogue", () => {
  /** Whatever is answered is right, if it answers. */
  const contented = () =>
    asking<IKeyboardInteractive>(async (user) => {
      await user.ask(["one? ", "two? "]);
      return user.username;
    }, IKeyboardInteractive);
  const begun = async (): Promise<Login> => {
    const made = await login({ checkers: [contented()] });
    await made.ask(dialogue());
    expect(made.answers()).toEqual([REPLY]);
    return made;
  };

  test("A14: with as many answers as questions goes on, with any other number it has failed", async () => {
    const answers = [["1", "2"], [], ["1"], ["1", "2", ""], ["1", "2", "3", "4"]];
    for (const given of answers) {
      const made = await begun();
      await made.say([ANSWERS, fields(given.length, ...given)]);
      await made.pass(DELAY);
      const isIn = given === answers[0];
      expect([given, made.answers()]).toEqual([given, [REPLY, isIn ? SUCCESS : FAILURE]]);
      expect(made.avatars).toEqual(isIn ? ["alice"] : []);
    }
  });

  test("A14: whose answers lie about their number ends the connection", async () => {
    for (const body of [
      fields(3, "1", "2"),
      fields(1, "1", "2"),
      fields(0xffff_ffff),
      Buffer.alloc(3),
      Buffer.alloc(0),
    ]) {
      const made = await begun();
      await made.say([ANSWERS, body]);
      await made.pass(DELAY);
      expect([body, made.server.said, made.avatars]).toEqual([body, [2], []]);
    }
  });

  test("A14: is answered once, and not before it is begun", async () => {
    const early = await login({ checkers: [questions()] });
    await early.say([ANSWERS, fields(2, "1", "2")]);
    expect(early.server.said).toEqual([2]);
    const twice = await login({ checkers: [questions()] });
    await twice.ask(dialogue());
    await twice.say([ANSWERS, fields(2, "1", "wrong")], [ANSWERS, fields(2, "1", "2")]);
    await twice.pass(DELAY);
    expect([twice.server.said, twice.avatars]).toEqual([[2], []]);
  });

  test("A14: CVE-2015-5600: is one, however many submethods a request names", async () => {
    for (const submethods of ["pam", "pam,".repeat(2000), "skey,pam,pam", ","]) {
      const user = questions();
      const made = await login({ checkers: [user] });
      await made.ask(dialogue("alice", submethods));
      await made.say([ANSWERS, fields(2, "1", "wrong")]);
      await made.pass(100);
      expect([made.answers(), user.asked.length]).toEqual([[REPLY, FAILURE], 1]);
    }
  });
});

describe("the name of a user", () => {
  test("A17: that is no text, empty or long reaches no checker, and fails like a wrong password", async () => {
    const bad = [
      Buffer.alloc(0),
      Buffer.alloc(256, "a"),
      Buffer.alloc(30_000, "a"),
      Buffer.from("alice\0"),
      Buffer.from("\0"),
      Buffer.from([0x61, 0xff]),
      Buffer.from([0xc0, 0xaf]), // a slash, written too long
      Buffer.from([0xed, 0xa0, 0x80]), // half of a pair
    ];
    for (const name of bad) {
      const checker = passwords(() => "alice");
      const made = await login({ checkers: [checker] });
      await made.say([REQUEST, password("right", name)]);
      expect(made.answers()).toEqual([]);
      await made.pass(DELAY);
      expect([made.answers(), checker.asked, made.avatars]).toEqual([[FAILURE], [], []]);
    }
  });

  test("A17: is the bytes that were sent: no other writing of it is the same user", async () => {
    const others = ["Alice", "alice ", " alice", "alice\n", "\u0430lice", "ali\u200bce", "alice@host"];
    for (const name of [...others, "jose\u0301"]) {
      const made = await login({
        checkers: [passwords((user) => (user === "alice" || user === "jos\u00e9" ? user : no()))],
      });
      await made.ask(password("right", name));
      expect([name, made.answers()]).toEqual([name, [FAILURE]]);
      await made.ask(password("right"));
      expect(made.avatars).toEqual(["alice"]);
    }
  });

  test("A17: of 255 bytes is one, byte for byte", async () => {
    const name = `${"\u00e9".repeat(127)}a`;
    const made = await login({ checkers: [passwords((user) => user)] });
    await made.ask(password("right", name));
    expect(made.avatars).toEqual([name]);
  });
});

/** The first SERVICE_REQUEST is for another service. */
function renamed(name: string) {
  return (number: number, body: Uint8Array) => [[number, number === 5 ? fields(name) : body] as const];
}
