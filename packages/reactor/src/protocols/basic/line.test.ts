/** Lines come out whole, however their bytes arrive. */
import { describe, expect, test } from "vitest";
import { NotImplementedError } from "../../exceptions.js";
import type { MaybeAsync } from "../../interfaces.js";
import { assertNoLoggedErrors, captureLoggedErrors, flushLoggedErrors, StringTransport } from "../../testing/index.js";
import { LineOnlyReceiver, LineReceiver } from "../basic.js";

class Lines extends LineReceiver {
  override delimiter = "\n";
  override MAX_LENGTH = 64;
  readonly got: string[] = [];
  readonly exceeded: string[] = [];

  override lineReceived(line: Buffer): MaybeAsync {
    this.got.push(line.toString());
  }

  override rawDataReceived(data: Buffer): void {
    this.got.push(`raw ${data.toString()}`);
  }

  override lineLengthExceeded(data: Buffer): void {
    this.exceeded.push(data.toString());
  }
}

class OnlyLines extends LineOnlyReceiver {
  override delimiter = "\n";
  override MAX_LENGTH = 64;
  readonly got: string[] = [];
  readonly exceeded: string[] = [];

  override lineReceived(line: Buffer): void {
    this.got.push(line.toString());
  }

  override lineLengthExceeded(data: Buffer): void {
    this.exceeded.push(data.toString());
  }
}

function connected<P extends LineReceiver | LineOnlyReceiver>(protocol: P): P {
  void protocol.makeConnection(new StringTransport());
  return protocol;
}

function feed(protocol: LineReceiver | LineOnlyReceiver, text: string, size = text.length): void {
  for (let at = 0; at < text.length; at += size) void protocol.dataReceived(Buffer.from(text.slice(at, at + size)));
}

const text = "one\n\ntwo lines\nthree\n" + "x".repeat(64) + "\nlast\nunfinished";
const lines = ["one", "", "two lines", "three", "x".repeat(64), "last"];

for (const [name, make] of [
  ["LineReceiver", () => new Lines()],
  ["LineOnlyReceiver", () => new OnlyLines()],
] as const) {
  describe(name, () => {
    test("gives the same lines for pieces of any size", () => {
      for (let size = 1; size <= text.length; size++) {
        const protocol = connected(make());
        feed(protocol, text, size);
        expect(protocol.got, `pieces of ${size} bytes`).toEqual(lines);
      }
    });

    test("a delimiter split over packets does not trip the limit, nor does part of one behind MAX_LENGTH bytes", () => {
      for (let size = 1; size < 70; size++) {
        const protocol = connected(make());
        (protocol as { delimiter: string }).delimiter = "\r\n";
        feed(protocol, `${"x".repeat(64)}\r\nnext\r\n`, size);
        expect(protocol.got, `pieces of ${size} bytes`).toEqual(["x".repeat(64), "next"]);
        expect(protocol.exceeded).toEqual([]);
      }
    });

    test("a line over the limit goes to lineLengthExceeded with all behind it", () => {
      const protocol = connected(make());
      feed(protocol, `ok\n${"x".repeat(65)}\nbehind\nrest`);
      expect(protocol.got).toEqual(["ok"]);
      expect(protocol.exceeded).toEqual([`${"x".repeat(65)}\nbehind\nrest`]);
    });

    test("an unfinished line of MAX_LENGTH and a delimiter's length does too, and the buffer is empty then", () => {
      const protocol = connected(make());
      feed(protocol, "x".repeat(64));
      expect(protocol.exceeded).toEqual([]);
      feed(protocol, "y");
      expect(protocol.exceeded).toEqual([`${"x".repeat(64)}y`]);
      feed(protocol, "fine\n");
      expect(protocol.got).toEqual(["fine"]);
    });

    test("nothing is delivered once the connection is closing", () => {
      const protocol = connected(make());
      protocol.lineReceived = (line) => {
        protocol.got.push(line.toString());
        protocol.transport?.loseConnection();
      };
      feed(protocol, "one\ntwo\n");
      expect(protocol.got).toEqual(["one"]);
    });

    test("a delimiter may be of any length, and may change between two lines", () => {
      const protocol = connected(make());
      protocol.lineReceived = (line) => {
        protocol.got.push(line.toString());
        (protocol as { delimiter: string }).delimiter = "<end>";
      };
      feed(protocol, "one\ntwo\nstill two<end>", 3);
      expect(protocol.got).toEqual(["one", "two\nstill two"]);
    });

    test("sendLine adds the delimiter", () => {
      const protocol = connected(make());
      protocol.sendLine("hello");
      protocol.sendLine(Buffer.from("you"));
      expect((protocol.transport as StringTransport).value().toString()).toBe("hello\nyou\n");
    });

    test("its lines are the application's own: what comes later does not change them", () => {
      const protocol = connected(make());
      const kept: Buffer[] = [];
      protocol.lineReceived = (line) => void kept.push(line);
      for (const piece of ["on", "e\ntw", "o\nthr", "ee\n", "four\n"]) feed(protocol, piece);
      expect(kept.map(String)).toEqual(["one", "two", "three", "four"]);
    });
  });
}

for (const Receiver of [LineReceiver, LineOnlyReceiver]) {
  test(`by default a ${Receiver.name} takes lines of 16,384 bytes, ended by CR LF, and closes for longer ones`, () => {
    const protocol = connected(new Receiver());
    const got: number[] = [];
    protocol.lineReceived = (line) => void got.push(line.length);
    feed(protocol, `${"x".repeat(16384)}\r\n`);
    expect(got).toEqual([16384]);
    feed(protocol, "x".repeat(16386));
    expect((protocol.transport as StringTransport).disconnecting).toBe(true);
    expect(got).toEqual([16384]);
  });

  test(`a ${Receiver.name} without lineReceived is a NotImplementedError`, () => {
    expect(() => connected(new Receiver()).dataReceived(Buffer.from("line\r\n"))).toThrow(NotImplementedError);
  });
}

test("a line of a million bytes in pieces of one costs no quadratic time", () => {
  const protocol = connected(new Lines());
  protocol.MAX_LENGTH = 2 ** 20;
  const piece = Buffer.from("x");
  for (let count = 0; count < 2 ** 20; count++) void protocol.dataReceived(piece);
  feed(protocol, "\n");
  expect(protocol.got[0]).toHaveLength(2 ** 20);
});

describe("raw mode", () => {
  test("gets what follows the line in which it began, and setLineMode parses what was too much", () => {
    class Mixed extends Lines {
      override lineReceived(line: Buffer): void {
        void super.lineReceived(line);
        if (line.toString() === "raw") this.setRawMode();
      }
      override rawDataReceived(data: Buffer): void {
        const end = data.indexOf("!");
        super.rawDataReceived(data.subarray(0, end));
        void this.setLineMode(data.subarray(end + 1));
      }
    }
    const protocol = connected(new Mixed());
    feed(protocol, "line\nraw\na\nb!more\nraw\nc!end\n");
    expect(protocol.got).toEqual(["line", "raw", "raw a\nb", "more", "raw", "raw c", "end"]);
  });

  test("may begin and end thousands of times in one piece, without growing the stack", () => {
    let flips = 0;
    class Flipping extends LineReceiver {
      override lineReceived(): void {
        this.setRawMode();
      }
      override rawDataReceived(data: Buffer): void {
        flips += 1;
        void this.setLineMode(data.subarray(1));
      }
    }
    feed(connected(new Flipping()), "\r\nx".repeat(20_000));
    expect(flips).toBe(20_000);
  });

  test("without rawDataReceived is a NotImplementedError", () => {
    const protocol = connected(new LineReceiver());
    protocol.setRawMode();
    expect(() => protocol.dataReceived(Buffer.from("x"))).toThrow(NotImplementedError);
  });
});

describe("pausing", () => {
  class Pausing extends Lines {
    override lineReceived(line: Buffer): void {
      void super.lineReceived(line);
      if (line.toString().startsWith("pause")) this.pauseProducing();
    }
  }

  test("in the middle of a piece keeps the rest; each resume delivers until the next pause", () => {
    const protocol = connected(new Pausing());
    feed(protocol, "one\npause\ntwo\npause\nthree\n");
    expect(protocol.got).toEqual(["one", "pause"]);
    expect((protocol.transport as StringTransport).producerState).toBe("paused");
    protocol.resumeProducing();
    expect(protocol.got).toEqual(["one", "pause", "two", "pause"]);
    protocol.resumeProducing();
    expect(protocol.got.at(-1)).toBe("three");
    expect((protocol.transport as StringTransport).producerState).toBe("producing");
  });

  test("keeps what arrives meanwhile", () => {
    const protocol = connected(new Pausing());
    feed(protocol, "pause\none\nt");
    feed(protocol, "wo\n");
    expect(protocol.got).toEqual(["pause"]);
    protocol.resumeProducing();
    expect(protocol.got).toEqual(["pause", "one", "two"]);
  });

  test("holds in raw mode too", () => {
    const protocol = connected(new Lines());
    protocol.setRawMode();
    protocol.pauseProducing();
    feed(protocol, "kept");
    expect(protocol.got).toEqual([]);
    protocol.resumeProducing();
    expect(protocol.got).toEqual(["raw kept"]);
  });

  test("for good, by stopProducing: no more lines", () => {
    const protocol = connected(new Lines());
    protocol.lineReceived = (line) => {
      protocol.got.push(line.toString());
      protocol.stopProducing();
    };
    feed(protocol, "one\ntwo\n");
    feed(protocol, "three\n");
    expect(protocol.got).toEqual(["one"]);
    expect((protocol.transport as StringTransport).producerState).toBe("stopped");
  });

  test("a failure of what was resumed is logged and closes, if it comes later", async () => {
    captureLoggedErrors();
    const protocol = connected(new Lines());
    protocol.pauseProducing();
    feed(protocol, "one\n");
    protocol.lineReceived = () => Promise.reject(new RangeError("later"));
    protocol.resumeProducing();
    await new Promise((resolve) => setImmediate(resolve));
    expect((protocol.transport as StringTransport).disconnecting).toBe(true);
    expect(flushLoggedErrors(RangeError)).toHaveLength(1);
    assertNoLoggedErrors();
  });
});

describe("clearLineBuffer", () => {
  test("returns what is buffered, and lines go on behind it", () => {
    const protocol = connected(new Lines());
    feed(protocol, "half a li");
    expect(protocol.clearLineBuffer().toString()).toBe("half a li");
    feed(protocol, "whole\n");
    expect(protocol.got).toEqual(["whole"]);
  });

  test("works from inside lineReceived", () => {
    const protocol = connected(new Lines());
    let cleared = "";
    protocol.lineReceived = (line) => {
      protocol.got.push(line.toString());
      cleared += protocol.clearLineBuffer().toString();
    };
    feed(protocol, "one\ntwo\nthr");
    expect([protocol.got, cleared]).toEqual([["one"], "two\nthr"]);
  });
});

describe("what lineReceived returns", () => {
  test("ends the parsing, if it is truthy, and is returned from dataReceived", () => {
    const protocol = connected(new Lines());
    protocol.lineReceived = (line) => {
      protocol.got.push(line.toString());
      return "enough" as never;
    };
    expect(protocol.dataReceived(Buffer.from("one\ntwo\n"))).toBe("enough");
    expect(protocol.got).toEqual(["one"]);
  });

  test("may be promises: no line waits for them, and a rejection reaches the transport", async () => {
    const protocol = connected(new Lines());
    protocol.lineReceived = (line) => {
      protocol.got.push(line.toString());
      return line.toString() === "bad" ? Promise.reject(new RangeError("bad line")) : Promise.resolve();
    };
    await expect(protocol.dataReceived(Buffer.from("one\nbad\ntwo\n"))).rejects.toThrow("bad line");
    expect(protocol.got).toEqual(["one", "bad", "two"]);
  });

  test("R2: a throw does not leave the promises of earlier lines without a listener", async () => {
    const protocol = connected(new Lines());
    protocol.lineReceived = (line) => {
      if (line.toString() === "throw") throw new RangeError("thrown");
      return Promise.reject(new RangeError("rejected"));
    };
    expect(() => protocol.dataReceived(Buffer.from("one\nthrow\n"))).toThrow("thrown");
    await new Promise((resolve) => setImmediate(resolve)); // an unhandled rejection would fail this run
  });
});
