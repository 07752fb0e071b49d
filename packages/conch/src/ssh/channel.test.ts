import { Failure } from "@strombus/reactor/failure";
import { ITransport } from "@strombus/reactor/interfaces";
import { beforeEach, describe, expect, test } from "vitest";
import { FakeTransport } from "../channel/fixtures.test.support.js";
import { SSHChannel } from "./channel.js";
import type { SSHConnection } from "./connection.js";

/** What a channel needs of a connection, and no more. */
class FakeConnection {
  data: string[] = [];
  extended: [number, string][] = [];
  closes = 0;
  transport = new FakeTransport();
  sendData(_channel: SSHChannel, data: Buffer) {
    this.data.push(data.toString());
  }
  sendExtendedData(_channel: SSHChannel, type: number, data: Buffer) {
    this.extended.push([type, data.toString()]);
  }
  sendClose() {
    this.closes += 1;
  }
  logPrefix() {
    return "FakeConnection";
  }
}

let conn: FakeConnection;
let channel: SSHChannel;
beforeEach(() => {
  conn = new FakeConnection();
  channel = new SSHChannel({ conn: conn as unknown as SSHConnection });
  channel.name = "channel";
  channel.remoteMaxPacket = 10;
});

describe("construction", () => {
  test("without arguments a channel has windows and packets of a default size, and nothing else", () => {
    const bare = new SSHChannel();
    expect([bare.localWindowSize, bare.localWindowLeft, bare.localMaxPacket]).toEqual([2097152, 2097152, 32768]);
    expect([bare.remoteWindowLeft, bare.remoteMaxPacket]).toEqual([0, 0]);
    expect([bare.conn, bare.data, bare.avatar, bare.id, bare.name]).toEqual([null, null, null, null, null]);
    expect([bare.areWriting, bare.closing, bare.localClosed, bare.remoteClosed]).toEqual([true, false, false, false]);
    expect([String(bare.specificData), String(bare.buf), bare.extBuf]).toEqual(["", "", []]);
  });

  test("the seven arguments have an order, and names", () => {
    const fake = conn as unknown as SSHConnection;
    const avatar = null;
    for (const made of [
      new SSHChannel(1, 2, 3, 4, fake, 5, avatar),
      new SSHChannel({
        localWindow: 1,
        localMaxPacket: 2,
        remoteWindow: 3,
        remoteMaxPacket: 4,
        conn: fake,
        data: 5,
        avatar,
      }),
    ]) {
      expect([made.localWindowSize, made.localWindowLeft, made.localMaxPacket]).toEqual([1, 1, 2]);
      expect([made.remoteWindowLeft, made.remoteMaxPacket, made.conn, made.data]).toEqual([3, 4, fake, 5]);
    }
  });

  test("a class may have defaults of its own", () => {
    class Small extends SSHChannel {
      static override defaultWindow = 131072;
      static override defaultMaxPacket = 1024;
      override name = "small";
    }
    expect([new Small().localWindowLeft, new Small().localMaxPacket, new Small().name]).toEqual([
      131072,
      1024,
      "small",
    ]);
  });

  test("a channel is a transport, with the addresses of the one below", () => {
    expect(ITransport.providedBy(channel)).toBe(true);
    expect(channel.getPeer().equals(conn.transport.getPeer())).toBe(true);
    expect(channel.getHost().equals(conn.transport.getHost())).toBe(true);
  });

  test("texts for logs name the channel and its windows", () => {
    channel.localWindowLeft = 50;
    channel.remoteWindowLeft = 60;
    expect(channel.toString()).toBe("<SSHChannel channel (lw 50 rw 60)>");
    expect(channel.logPrefix()).toBe("SSHChannel channel (unknown) on FakeConnection");
    channel.id = 1;
    channel.name = null;
    expect(channel.toString()).toBe("<SSHChannel None (lw 50 rw 60)>");
    expect(channel.logPrefix()).toBe("SSHChannel None (1) on FakeConnection");
  });
});

describe("requests", () => {
  test("a request goes to the method of its name, with underscores", () => {
    class WithTest extends SSHChannel {
      request_test_method(data: Buffer) {
        return data.equals(Buffer.from(""));
      }
    }
    expect(new WithTest().requestReceived("test-method", Buffer.from(""))).toBe(true);
    expect(new WithTest().requestReceived("test-method", Buffer.from("x"))).toBe(false);
  });

  test("C8: a request without a method is refused", () => {
    expect(channel.requestReceived("bad-method", Buffer.from(""))).toBe(0);
    expect(channel.requestReceived("constructor", Buffer.from(""))).toBe(0);
  });
});

describe("writing", () => {
  test("data within the window goes out at once, cut at the maximum packet", () => {
    channel.remoteWindowLeft = 50;
    expect(channel.write("12345678901")).toBe(true);
    expect(conn.data).toEqual(["1234567890", "1"]);
    expect(channel.remoteWindowLeft).toBe(39);
  });

  test("data beyond the window waits in buf, and goes on as window comes", () => {
    let stopped = 0;
    channel.stopWriting = () => (stopped += 1);
    channel.remoteWindowLeft = 2;
    expect(channel.write("data")).toBe(false);
    expect([conn.data, String(channel.buf), channel.remoteWindowLeft]).toEqual([["da"], "ta", 0]);
    expect([stopped, channel.areWriting]).toEqual([1, false]);
    expect(channel.write("more")).toBe(false);
    expect([stopped, String(channel.buf)]).toEqual([1, "tamore"]);
    channel.addWindowBytes(3);
    expect([conn.data, String(channel.buf)]).toEqual([["da", "tam"], "ore"]);
    channel.addWindowBytes(3);
    expect([conn.data, String(channel.buf)]).toEqual([["da", "tam", "ore"], ""]);
  });

  test("extended data waits by type, neighbours of one type joined", () => {
    channel.writeExtended(1, "a");
    channel.writeExtended(1, "b");
    channel.writeExtended(2, "c");
    channel.writeExtended(1, "d");
    expect(channel.extBuf.map(([type, data]) => [type, String(data)])).toEqual([
      [1, "ab"],
      [2, "c"],
      [1, "d"],
    ]);
    channel.addWindowBytes(3);
    expect(conn.extended).toEqual([
      [1, "ab"],
      [2, "c"],
    ]);
    expect([channel.remoteWindowLeft, channel.extBuf]).toEqual([0, [[1, Buffer.from("d")]]]);
  });

  test("extended data is cut at the maximum packet, and a part of it may wait", () => {
    channel.remoteWindowLeft = 12;
    expect(channel.writeExtended(3, "123456789012345")).toBe(false);
    expect(conn.extended).toEqual([
      [3, "1234567890"],
      [3, "12"],
    ]);
    expect([channel.remoteWindowLeft, channel.extBuf]).toEqual([0, [[3, Buffer.from("345")]]]);
  });

  test("data and extended data keep the order of the calls", () => {
    const order: string[] = [];
    conn.sendData = (_, data) => order.push(`out ${data.toString()}`);
    conn.sendExtendedData = (_, __, data) => order.push(`err ${data.toString()}`);
    channel.write("one");
    channel.writeExtended(1, "two");
    channel.write("three");
    channel.addWindowBytes(100);
    expect(order).toEqual(["out one", "err two", "out three"]);
  });

  test("startWriting is called when what waited is sent", () => {
    let started = 0;
    channel.startWriting = () => (started += 1);
    channel.write("test");
    channel.writeExtended(1, "test");
    channel.addWindowBytes(50);
    expect([channel.remoteWindowLeft, channel.areWriting, started]).toEqual([42, true, 1]);
    expect([conn.data, conn.extended]).toEqual([["test"], [[1, "test"]]]);
  });

  test("startWriting is not called when writing never stopped, nor while closing", () => {
    let started = 0;
    channel.startWriting = () => (started += 1);
    channel.addWindowBytes(20);
    channel.write("a".repeat(80));
    channel.loseConnection();
    channel.addWindowBytes(20);
    channel.addWindowBytes(100);
    expect(started).toBe(0);
  });

  test("data written while what waited goes out stays behind it", () => {
    channel.startWriting = () => channel.write("after");
    channel.write("before");
    channel.addWindowBytes(100);
    expect(conn.data).toEqual(["before", "after"]);
  });

  test("writeSequence writes the joined pieces", () => {
    channel.remoteWindowLeft = 10;
    channel.writeSequence(["ab", Buffer.from("cd"), new Uint8Array([0x65])]);
    expect(conn.data).toEqual(["abcde"]);
  });

  test("C3: with a maximum packet of 0 output waits, and nothing loops or throws", () => {
    channel.remoteMaxPacket = 0;
    channel.remoteWindowLeft = 10;
    expect(channel.write("")).toBe(true);
    expect(channel.write("data")).toBe(false);
    expect(channel.writeExtended(1, "data")).toBe(false);
    expect([conn.data, conn.extended]).toEqual([[], []]);
  });

  test("T13: no packet has more data than every implementation takes", () => {
    channel.remoteMaxPacket = 2 ** 32 - 1;
    channel.remoteWindowLeft = 2 ** 32 - 1;
    channel.write(Buffer.alloc(70_000));
    expect(conn.data.map((data) => data.length)).toEqual([32768, 32768, 4464]);
  });

  test("before the channel has a connection output waits", () => {
    const early = new SSHChannel();
    expect(early.write("data")).toBe(false);
    early.loseConnection();
    expect([String(early.buf), early.closing]).toEqual(["data", true]);
  });
});

describe("closing", () => {
  test("loseConnection waits for data and extended data", () => {
    channel.write("data");
    channel.writeExtended(1, "datadata");
    channel.loseConnection();
    expect(conn.closes).toBe(0);
    channel.addWindowBytes(4);
    expect(conn.closes).toBe(0);
    channel.addWindowBytes(8);
    expect(conn.closes).toBe(1);
  });

  test("closeReceived begins to close", () => {
    void channel.closeReceived();
    expect([channel.closing, conn.closes]).toEqual([true, 1]);
  });

  test("once nobody takes it, output is dropped and what waited is gone", () => {
    channel.write("data");
    channel.abandonOutput();
    channel.write("more");
    channel.addWindowBytes(100);
    expect([conn.data, String(channel.buf)]).toEqual([[], ""]);
    channel.loseConnection();
    expect(conn.closes).toBe(1);
  });
});

describe("receiving", () => {
  let adjustments: number[];
  beforeEach(() => {
    adjustments = [];
    Object.assign(conn, {
      adjustWindow: (_: SSHChannel, bytes: number) => {
        adjustments.push(bytes);
        channel.localWindowLeft += bytes;
      },
    });
    channel = new SSHChannel({ localWindow: 10, conn: conn as unknown as SSHConnection });
  });

  test("even a window of one byte is given again", () => {
    channel.localWindowSize = 1;
    channel.localWindowLeft = 1;
    channel.refillWindow();
    expect(adjustments).toEqual([]);
    channel.localWindowLeft = 0;
    channel.refillWindow();
    expect(adjustments).toEqual([1]);
  });

  test("a consumer that pauses gives the peer no window until it resumes", () => {
    channel.pauseProducing();
    channel.localWindowLeft = 0;
    channel.refillWindow();
    expect(adjustments).toEqual([]);
    channel.resumeProducing();
    expect([adjustments, channel.localWindowLeft]).toEqual([[10], 10]);
  });

  test("C4: a peer that sends and does not read gets no window while much waits for it", () => {
    channel.receiving = true;
    channel.write(Buffer.alloc(3 * 1024 * 1024));
    channel.receiving = false;
    channel.localWindowLeft = 0;
    channel.refillWindow();
    expect(adjustments).toEqual([]);
    channel.remoteMaxPacket = 32768;
    channel.addWindowBytes(2 * 1024 * 1024);
    expect(adjustments).toEqual([10]);
  });

  test("two that wrote much by themselves do not wait for each other", () => {
    channel.write(Buffer.alloc(3 * 1024 * 1024));
    channel.localWindowLeft = 0;
    channel.refillWindow();
    expect(adjustments).toEqual([10]);
  });
});

test("hooks have defaults that do nothing but log", () => {
  expect(channel.channelOpen(Buffer.alloc(0))).toBeUndefined();
  expect(channel.openFailed(new Failure(new Error("no")).value as Error)).toBeUndefined();
  expect(channel.dataReceived(Buffer.from("x"))).toBeUndefined();
  expect(channel.extReceived(1, Buffer.from("x"))).toBeUndefined();
  expect(channel.eofReceived()).toBeUndefined();
  expect(channel.closed()).toBeUndefined();
});
