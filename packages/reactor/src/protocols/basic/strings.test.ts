/** Strings behind their length: with a prefix of bytes, or as netstrings. */
import { describe, expect, test } from "vitest";
import { AssertionError, NotImplementedError } from "../../exceptions.js";
import { StringTransport } from "../../testing/index.js";
import {
  Int16StringReceiver,
  Int32StringReceiver,
  Int8StringReceiver,
  IntNStringReceiver,
  NetstringReceiver,
  StatefulStringProtocol,
  StringTooLongError,
} from "../basic.js";

class LittleEndianReceiver extends IntNStringReceiver {
  override structFormat = "<H";
  override prefixLength = 2;
}

interface Case {
  readonly name: string;
  readonly make: () => (IntNStringReceiver | NetstringReceiver) & { got?: string[] };
  readonly encode: (text: string) => Buffer;
}

const cases: Case[] = [
  { name: "Int32StringReceiver", make: () => new Int32StringReceiver(), encode: prefixed(4, "BE") },
  { name: "Int16StringReceiver", make: () => new Int16StringReceiver(), encode: prefixed(2, "BE") },
  { name: "Int8StringReceiver", make: () => new Int8StringReceiver(), encode: prefixed(1, "BE") },
  { name: "a receiver with a little-endian prefix", make: () => new LittleEndianReceiver(), encode: prefixed(2, "LE") },
  {
    name: "NetstringReceiver",
    make: () => new NetstringReceiver(),
    encode: (text) => Buffer.from(`${text.length}:${text},`),
  },
];
const strings = ["a", "", "bcd", "x".repeat(200), ",:,", "end"];

function prefixed(bytes: number, order: "BE" | "LE"): (text: string) => Buffer {
  return (text) => {
    const prefix = Buffer.alloc(bytes);
    prefix[`writeUInt${order}`](text.length, 0, bytes);
    return Buffer.concat([prefix, Buffer.from(text)]);
  };
}

function connect<P extends IntNStringReceiver | NetstringReceiver>(protocol: P): [P, StringTransport, string[]] {
  const [transport, got]: [StringTransport, string[]] = [new StringTransport(), []];
  protocol.stringReceived = (string) => void got.push(string.toString());
  void protocol.makeConnection(transport);
  return [protocol, transport, got];
}

for (const { name, make, encode } of cases) {
  describe(name, () => {
    test("gives the same strings for pieces of any size", () => {
      const bytes = Buffer.concat(strings.map(encode));
      for (let size = 1; size <= bytes.length; size++) {
        const [protocol, , got] = connect(make());
        for (let at = 0; at < bytes.length; at += size) void protocol.dataReceived(bytes.subarray(at, at + size));
        expect(got, `pieces of ${size} bytes`).toEqual(strings);
      }
    });

    test("sends what another receives", () => {
      const [protocol, transport] = connect(make());
      for (const string of strings) protocol.sendString(string);
      expect(transport.value()).toEqual(Buffer.concat(strings.map(encode)));
    });

    test("pausing in the middle of a piece keeps the rest, and what arrives meanwhile", () => {
      const [protocol, transport, got] = connect(make());
      protocol.stringReceived = (string) => {
        got.push(string.toString());
        protocol.pauseProducing();
      };
      void protocol.dataReceived(Buffer.concat(["a", "b", "c"].map(encode)));
      void protocol.dataReceived(encode("d"));
      expect([got, transport.producerState]).toEqual([["a"], "paused"]);
      for (const expected of ["b", "c", "d"]) {
        protocol.resumeProducing();
        expect(got.at(-1)).toBe(expected);
      }
    });

    test("a promise that the application gives back carries its rejection to the transport", async () => {
      const [protocol, , got] = connect(make());
      protocol.stringReceived = (string) => {
        got.push(string.toString());
        return Promise.reject(new RangeError("not today"));
      };
      await expect(protocol.dataReceived(Buffer.concat(["a", "b"].map(encode)))).rejects.toThrow("not today");
      expect(got).toEqual(["a", "b"]);
    });

    test("without stringReceived is a NotImplementedError", () => {
      expect(() => make().dataReceived(encode("a"))).toThrow(NotImplementedError);
    });
  });
}

describe("Int receivers", () => {
  test("a prefix above MAX_LENGTH calls lengthLimitExceeded, consumes nothing, and by default closes", () => {
    const [protocol, transport, got] = connect(new Int32StringReceiver());
    const [first, tooLong] = [prefixed(4, "BE")("ok"), prefixed(4, "BE")("x".repeat(100_000))];
    void protocol.dataReceived(Buffer.concat([first, tooLong]));
    expect([got, transport.disconnecting]).toEqual([["ok"], true]);
    expect(protocol.recvd).toEqual(tooLong);
  });

  test("99,999 bytes are the limit, before any of them is there", () => {
    const [protocol, transport, got] = connect(new Int32StringReceiver());
    void protocol.dataReceived(prefixed(4, "BE")("x".repeat(99_999)));
    expect([got.length, transport.disconnecting]).toEqual([1, false]);
    void protocol.dataReceived(Buffer.from([0x7f, 0xff, 0xff, 0xff]));
    expect(transport.disconnecting).toBe(true);
  });

  test("recvd is what follows the current string, also in lengthLimitExceeded", () => {
    const [protocol] = connect(new Int16StringReceiver());
    const encode = prefixed(2, "BE");
    protocol.MAX_LENGTH = 5;
    const seen: Buffer[] = [];
    protocol.stringReceived = () => void seen.push(protocol.recvd);
    protocol.lengthLimitExceeded = (length) => void seen.push(protocol.recvd, Buffer.from([length]));
    const rest = encode("sixsix");
    void protocol.dataReceived(Buffer.concat([encode("one"), encode("two"), rest]));
    expect(seen).toEqual([Buffer.concat([encode("two"), rest]), rest, rest, Buffer.from([6])]);
  });

  test("what is assigned to recvd in stringReceived is parsed next", () => {
    const [protocol, , got] = connect(new Int8StringReceiver());
    const encode = prefixed(1, "BE");
    protocol.stringReceived = (string) => {
      got.push(string.toString());
      if (got.length === 1) protocol.recvd = Buffer.concat([encode("instead"), encode("of it")]);
    };
    void protocol.dataReceived(Buffer.concat([encode("one"), encode("two")]));
    expect(got).toEqual(["one", "instead", "of it"]);
    protocol.recvd = "";
    expect(protocol.recvd).toHaveLength(0);
  });

  test("a string that does not fit the prefix is not sent", () => {
    const [protocol, transport] = connect(new Int8StringReceiver());
    expect(() => protocol.sendString("x".repeat(256))).toThrow(StringTooLongError);
    expect(() => protocol.sendString("x".repeat(256))).toThrow(AssertionError);
    expect(transport.value()).toHaveLength(0);
    protocol.sendString("x".repeat(255));
    expect(transport.value()).toHaveLength(256);
  });

  test("the prefixes are those of Python's struct", () => {
    const all = [new Int32StringReceiver(), new Int16StringReceiver(), new Int8StringReceiver()];
    expect(all.map(({ structFormat, prefixLength }) => [structFormat, prefixLength])).toEqual([
      ["!I", 4],
      ["!H", 2],
      ["!B", 1],
    ]);
  });
});

describe("NetstringReceiver", () => {
  for (const [what, bytes] of [
    ["no number", "x"],
    ["nothing before the colon", ":a,"],
    ["a leading zero", "01:a,"],
    ["two zeros", "00:,"],
    ["a sign", "-1:a,"],
    ["a space", " 1:a,"],
    ["a number over the limit", "100000:"],
    ["more digits than the limit has", "1000000"],
    ["another character than the comma", "1:a;"],
    ["a string longer than its number", "1:ab,"],
  ] as const) {
    test(`${what} breaks it off, in pieces of any size`, () => {
      for (let size = 1; size <= bytes.length; size++) {
        const [protocol, transport, got] = connect(new NetstringReceiver());
        void protocol.dataReceived(Buffer.from("2:ok,"));
        for (let at = 0; at < bytes.length; at += size)
          void protocol.dataReceived(Buffer.from(bytes.slice(at, at + size)));
        expect([protocol.brokenPeer, transport.disconnecting], `pieces of ${size}`).toEqual([true, true]);
        void protocol.dataReceived(Buffer.from("5:later,"));
        expect(got).toEqual(["ok"]);
      }
    });
  }

  test("0:, is the empty string, and 99,999 bytes are the limit", () => {
    const [protocol, transport, got] = connect(new NetstringReceiver());
    void protocol.dataReceived(Buffer.from(`0:,99999:${"x".repeat(99999)},`));
    expect(got.map((string) => string.length)).toEqual([0, 99999]);
    expect([protocol.brokenPeer, transport.disconnecting]).toEqual([false, false]);
  });

  test("an error of the application is the application's", () => {
    const [protocol, transport] = connect(new NetstringReceiver());
    protocol.stringReceived = () => {
      throw new RangeError("mine");
    };
    expect(() => protocol.dataReceived(Buffer.from("1:a,"))).toThrow("mine");
    expect([protocol.brokenPeer, transport.disconnecting]).toEqual([false, false]);
  });
});

describe("StatefulStringProtocol", () => {
  class Greeting extends StatefulStringProtocol(Int8StringReceiver) {
    readonly heard: string[] = [];
    proto_init(name: Buffer): string {
      this.heard.push(`name ${name.toString()}`);
      return "question";
    }
    proto_question(question: Buffer): string {
      this.heard.push(`question ${question.toString()}`);
      if (question.toString() === "lost") return "nowhere";
      return question.toString() === "bye" ? "done" : "question";
    }
    proto_bad(): unknown {
      return undefined;
    }
  }

  function greeting(): [Greeting, StringTransport, (text: string) => void] {
    const [protocol, transport] = [new Greeting(), new StringTransport()];
    void protocol.makeConnection(transport);
    return [protocol, transport, (text) => void protocol.dataReceived(prefixed(1, "BE")(text))];
  }

  test("calls the method of its state, and that returns the next", () => {
    const [protocol, transport, say] = greeting();
    expect(protocol.state).toBe("init");
    for (const text of ["me", "why", "how"]) say(text);
    expect([protocol.heard, protocol.state]).toEqual([["name me", "question why", "question how"], "question"]);
    expect(transport.disconnecting).toBe(false);
  });

  test('"done" closes', () => {
    const [, transport, say] = greeting();
    for (const text of ["me", "bye"]) say(text);
    expect(transport.disconnecting).toBe(true);
  });

  test("a state without a method is logged, and the string is lost", () => {
    const [protocol, transport, say] = greeting();
    for (const text of ["me", "lost", "nobody hears"]) say(text);
    expect([protocol.heard.length, transport.disconnecting]).toEqual([2, false]);
  });

  test("a method that returns no state is an error", () => {
    const [protocol, , say] = greeting();
    protocol.state = "bad";
    expect(() => say("x")).toThrow(/proto_bad returned no state/);
  });
});
