/** A program as the other end of a connection. */
import { describe, expect, test } from "vitest";
import { Deferred } from "../defer.js";
import { ConnectionDone, NoProtocol, ProcessDone, ProcessTerminated } from "../error.js";
import { connectProtocol, ProcessEndpoint, StandardErrorBehavior } from "../endpoints.js";
import { Failure } from "../failure.js";
import type { IProcessProtocol, IProcessTransport } from "../interfaces.js";
import { capturedLogs, formatEvent } from "../logger.js";
import { OSError } from "../exceptions.js";
import { Factory } from "../protocol.js";
import { NodeReactor } from "../reactor.js";
import { AccumulatingProtocol, StringTransport } from "../testing/index.js";

/** Remembers what it was asked to start. */
class Spawning {
  readonly started: unknown[][] = [];
  child!: IProcessProtocol;
  spawnProcess(protocol: IProcessProtocol, ...rest: unknown[]): void {
    this.child = protocol;
    this.started.push(rest);
    void protocol.makeConnection(new StringTransport() as unknown as IProcessTransport);
  }
}

function start(errFlag?: StandardErrorBehavior) {
  const reactor = new Spawning();
  const endpoint = new ProcessEndpoint(reactor, "/bin/tool", {
    args: ["tool", "-x"],
    env: { LANG: "C" },
    ...(errFlag === undefined ? {} : { errFlag }),
  });
  const protocol = new AccumulatingProtocol();
  const connected = connectProtocol(endpoint, protocol);
  return { reactor, protocol, connected };
}

test("starts the program with its arguments and environment, and fires at once", () => {
  const { reactor, protocol, connected } = start();
  expect(reactor.started).toEqual([["/bin/tool", ["tool", "-x"], { env: { LANG: "C" } }]]);
  expect([connected.called, protocol.made]).toEqual([true, true]);
});

test("output is received, error output is logged or dropped", () => {
  for (const [flag, lines] of [
    [StandardErrorBehavior.LOG, ["/bin/tool says on its error output: oh"]],
    [StandardErrorBehavior.DROP, []],
  ] as const) {
    const { reactor, protocol } = start(flag);
    const events = capturedLogs(() => {
      void reactor.child.childDataReceived(1, Buffer.from("out"));
      void reactor.child.childDataReceived(2, Buffer.from("oh"));
    });
    expect(protocol.data.toString()).toBe("out");
    expect(events.map((event) => formatEvent(event))).toEqual(lines);
  }
});

test("a clean exit is ConnectionDone, any other end its own reason", () => {
  const clean = start();
  void clean.reactor.child.processEnded(new Failure(new ProcessDone(0)));
  expect(clean.protocol.closedReason?.value).toBeInstanceOf(ConnectionDone);
  expect(clean.protocol.closedReason?.value).not.toBeInstanceOf(ProcessDone);
  const killed = start();
  const reason = new Failure(new ProcessTerminated(null, 9));
  void killed.reactor.child.processEnded(reason);
  expect(killed.protocol.closedReason).toBe(reason);
});

test("a factory without a protocol starts nothing; a program that cannot be started is a failure", async () => {
  const reactor = new Spawning();
  const refusing = Factory.forProtocol(() => null);
  const endpoint = new ProcessEndpoint(reactor, "/bin/tool");
  await expect(Promise.resolve(endpoint.connect(refusing))).rejects.toBeInstanceOf(NoProtocol);
  expect(reactor.started).toEqual([]);
  reactor.spawnProcess = () => {
    throw new Error("ENOENT");
  };
  await expect(Promise.resolve(connectProtocol(endpoint, new AccumulatingProtocol()))).rejects.toThrow("ENOENT");
});

describe("with a real program", () => {
  const start = (script: string, input = "") => {
    const protocol = new AccumulatingProtocol();
    const ended = (protocol.closedDeferred = new Deferred<null>());
    const args = ["sh", "-c", script];
    const endpoint = new ProcessEndpoint(new NodeReactor(), "/bin/sh", { args, errFlag: StandardErrorBehavior.DROP });
    connectProtocol(endpoint, protocol);
    protocol.transport!.write(input);
    return { protocol, ended };
  };

  test("what is written is its input, and what it prints is received; status 0 is a clean end", async () => {
    const { protocol, ended } = start("read line; echo heard $line; echo dropped >&2", "hello\n");
    await ended;
    expect(protocol.data.toString()).toBe("heard hello\n");
    expect(protocol.closedReason!.value).toBeInstanceOf(ConnectionDone);
  });

  test("another status is the reason of the end", async () => {
    const { protocol, ended } = start("exit 3");
    await ended;
    expect(protocol.closedReason!.value).toMatchObject({ name: "ProcessTerminated", exitCode: 3 });
  });

  test("loseConnection ends its input", async () => {
    const { protocol, ended } = start("cat", "all\n");
    protocol.transport!.loseConnection();
    await ended;
    expect(protocol.closed).toBe(true);
  });

  test("that does not exist is a failure", async () => {
    const endpoint = new ProcessEndpoint(new NodeReactor(), "/no/such/program");
    await expect(Promise.resolve(connectProtocol(endpoint, new AccumulatingProtocol()))).rejects.toBeInstanceOf(
      OSError,
    );
  });
});
