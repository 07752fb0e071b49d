/** A hostile agent, and hostile clients of ours (rule CL5). */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConchError } from "@strombus/conch/error";
import type { MaybeLater } from "@strombus/conch/interfaces";
import { SSHAgentClient, SSHAgentServer, type AgentFactory } from "@strombus/conch/ssh/agent";
import { Key } from "@strombus/conch/ssh/keys";
import { ConnectionDone } from "@strombus/reactor/error";
import { Failure } from "@strombus/reactor/failure";
import { Factory } from "@strombus/reactor/protocol";
import { StringTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { fields, uint32 } from "../support/memory-ssh.js";

const key = Key.generate("ed25519");

const frame = (...body: readonly Uint8Array[]): Buffer => {
  const bytes = Buffer.concat(body);
  return Buffer.concat([uint32(bytes.length), bytes]);
};

describe("an agent that is asked", () => {
  function asking() {
    const client = new SSHAgentClient();
    const transport = new StringTransport();
    client.makeConnection(transport);
    return { client, transport };
  }

  /** Every request, and the number that answers it. */
  const REQUESTS: Readonly<Record<string, [answer: number, ask: (client: SSHAgentClient) => PromiseLike<unknown>]>> = {
    "for its keys": [12, (client) => client.requestIdentities()],
    "for a signature": [14, (client) => client.signData(key.blob(), "data")],
    "to take a key": [6, (client) => client.addIdentity(key.privateBlob())],
    "to take a key for a while": [6, (client) => client.addIdentity(key.privateBlob(), "", { lifetime: 1 })],
    "to forget a key": [6, (client) => client.removeIdentity(key.blob())],
    "to forget all keys": [6, (client) => client.removeAllIdentities()],
    "to lock itself": [6, (client) => client.lock("secret")],
    "to unlock itself": [6, (client) => client.unlock("secret")],
    "what it can do": [29, (client) => client.queryExtensions()],
  };
  const outcome = (asked: PromiseLike<unknown>) =>
    Promise.race([
      Promise.resolve(asked).then(
        () => "done",
        () => "failed",
      ),
      new Promise((resolve) => setImmediate(resolve, "waits")),
    ]);

  for (const [what, [right, ask]] of Object.entries(REQUESTS)) {
    test(`CL5: CVE-2025-47913: ${what}, and answers by a message of another type, has not done it`, async () => {
      for (let number = 0; number < 256; number++) {
        if (number === right) continue;
        const { client } = asking();
        const asked = ask(client);
        client.dataReceived(frame(Buffer.of(number), fields("x", "y")));
        expect([number, await outcome(asked)]).toEqual([number, "failed"]);
      }
    });

    test(`CL5: ${what}, and answers by too little, has not done it`, async () => {
      const { client } = asking();
      const asked = ask(client);
      client.dataReceived(frame(Buffer.of(right === 6 ? 5 : right), Buffer.of(0, 0, 0)));
      expect(await outcome(asked)).toBe("failed");
    });
  }

  for (const [what, answer] of [
    ["is longer than 256 KiB", uint32(256 * 1024 + 1)],
    ["is of 4 GiB", uint32(0xffff_ffff)],
    ["is empty", uint32(0)],
    ["answers nothing that was asked", frame(Buffer.of(6), NOTHING())],
  ] as const) {
    test(`CL5: whose answer ${what} is left, and all that waits fails`, async () => {
      const { client, transport } = asking();
      const isAsked = !what.startsWith("answers nothing");
      const asked = isAsked ? [client.requestIdentities(), client.lock("x")] : [];
      client.dataReceived(answer);
      for (const each of asked) expect(await outcome(each)).toBe("failed");
      expect(transport.disconnecting).toBe(true);
      expect(await outcome(client.requestIdentities())).toBe("failed"); // from now on, too
    });
  }

  test("CL5: whose number of keys lies makes nobody count them", async () => {
    const { client } = asking();
    const asked = client.requestIdentities();
    client.dataReceived(frame(Buffer.of(12), uint32(0xffff_ffff), fields("blob", "comment")));
    expect(await outcome(asked)).toBe("failed");
  });

  test("CL5: and goes, leaves nobody waiting", async () => {
    const { client } = asking();
    const asked = Object.values(REQUESTS).map(([, ask]) => ask(client));
    client.dataReceived(uint32(100)); // it has begun to answer
    client.connectionLost(new Failure(new ConnectionDone()));
    expect(await Promise.all(asked.map(outcome))).toEqual(asked.map(() => "failed"));
    expect(await outcome(client.requestIdentities())).toBe("failed");
  });

  function NOTHING(): Buffer {
    return Buffer.alloc(0);
  }
});

describe("an agent of ours", () => {
  function serving(Agent = SSHAgentServer) {
    const factory: AgentFactory = new Factory();
    factory.keys = new Map([[key.blob().toString("base64"), [key, "mine"]]]);
    const server = new Agent();
    server.factory = factory;
    const transport = new StringTransport();
    server.makeConnection(transport);
    return { server, transport, keys: factory.keys };
  }
  const SIGN = frame(Buffer.of(13), fields(key.blob(), "data", 0));
  const FAILURE = "0000000105";

  test("CL5: signs for those that its policy admits, and while it thinks for nobody", async () => {
    for (const [isLater, verdict] of [
      [false, () => false],
      [true, () => Promise.resolve(false)],
      [true, () => Promise.reject(new ConchError("no answer"))],
    ] as const) {
      class Strict extends SSHAgentServer {
        override maySign = verdict as () => MaybeLater<boolean>;
      }
      const { server, transport } = serving(Strict);
      server.dataReceived(SIGN);
      expect(transport.value()).toHaveLength(isLater ? 0 : 5);
      await new Promise((resolve) => setImmediate(resolve));
      expect(transport.value().toString("hex")).toBe(FAILURE);
    }
    const { server, transport } = serving();
    server.dataReceived(SIGN);
    expect(transport.value()[4]).toBe(14);
  });

  test("CL5: CVE-2023-38408: loads no library that a client names", () => {
    const folder = mkdtempSync(join(tmpdir(), "strombus-agent-"));
    const trace = join(folder, "was here");
    try {
      const { server, transport, keys } = serving();
      for (const number of [20, 21, 26]) {
        server.dataReceived(frame(Buffer.of(number), fields(join(folder, "provider.so"), "1234", 0)));
        expect([number, transport.value().toString("hex")]).toEqual([number, FAILURE]);
        transport.clear();
      }
      // A security key's provider comes as a constraint: one that nobody knows refuses the key.
      const provider = Buffer.concat([Buffer.of(255), fields("sk-provider@openssh.com", join(folder, "provider.so"))]);
      server.dataReceived(frame(Buffer.of(25), Key.generate("ed25519").privateBlob(), fields("new"), provider));
      expect([transport.value().toString("hex"), keys.size, existsSync(trace)]).toEqual([FAILURE, 1, false]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("CL5: CVE-2025-47914: refuses every message of the wrong length, and goes on", () => {
    const whole: Readonly<Record<number, Buffer>> = {
      13: fields(key.blob(), "data", 0),
      17: Buffer.concat([Key.generate("ed25519").privateBlob(), fields("comment")]),
      18: fields(key.blob()),
      22: fields("secret"),
      23: fields("secret"),
      25: Buffer.concat([Key.generate("ed25519").privateBlob(), fields("comment"), Buffer.of(1), uint32(60)]),
      27: fields("session-bind@openssh.com", key.blob(), "session", "signature", true),
    };
    let tried = 0;
    for (const [number, body] of Object.entries(whole)) {
      const odd = [...body.keys()].map((length) => body.subarray(0, length));
      for (const each of [...odd, Buffer.concat([body, Buffer.of(0)])]) {
        const { server, transport } = serving();
        server.dataReceived(frame(Buffer.of(Number(number)), each));
        const answer = transport.value().readUInt8(4);
        // Fields at the end may be left out: a comment, flags, constraints. Nothing else may.
        if (![6, 14].includes(answer))
          expect([number, each.length, answer]).toEqual([number, each.length, answer === 28 ? 28 : 5]);
        else expect([13, 17, 25]).toContain(Number(number));
        transport.clear();
        server.dataReceived(frame(Buffer.of(11)));
        expect(transport.value()[4]).toBe(12);
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(500);
  });

  test("CL5: ends its client's connection for a frame that is too long, and takes no byte of it", () => {
    for (const length of [0, 256 * 1024 + 1, 0xffff_ffff]) {
      const { server } = serving();
      expect(() => server.dataReceived(uint32(length))).toThrow("an agent's frame"); // its reactor ends it
    }
  });

  test("CL5: reads no more from who asks on and on while it thinks", async () => {
    let decide = (_yes: boolean): void => undefined;
    class Slow extends SSHAgentServer {
      override maySign() {
        return new Promise<boolean>((resolve) => (decide = resolve));
      }
    }
    const { server, transport } = serving(Slow);
    server.dataReceived(SIGN);
    let sent = 0;
    while (transport.producerState === "producing" && sent < 10 ** 6) {
      server.dataReceived(frame(Buffer.of(11)));
      sent += 5;
    }
    expect(sent).toBeLessThan(100_000);
    decide(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(transport.producerState).toBe("producing");
    const answers = transport.value();
    expect(answers[4]).toBe(14); // and the others behind it
    expect(server.buf).toHaveLength(0);
  });
});
