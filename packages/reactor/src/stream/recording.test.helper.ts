/** Protocols and factories that remember, and what the tests of this folder share. */
import type { Failure } from "../failure.js";
import type { IConnector, IProtocol } from "../interfaces.js";
import { globalLogBeginner, globalLogPublisher, type LogEvent } from "../logger.js";
import { ClientFactory, Factory, Protocol } from "../protocol.js";
import type { AnyReactor } from "../reactors.test.helper.js";
import { afterEach, beforeEach } from "vitest";
import type { StreamConnection } from "./connection.js";

globalLogBeginner.beginLoggingTo([], { redirectStandardIO: false, discardBuffer: true }); // not to stderr

/** The errors logged since `logged.begin()`. */
export const logged = {
  errors: [] as Error[],
  begin(): void {
    logged.errors = [];
    globalLogPublisher.addObserver(observe);
  },
  end(): void {
    globalLogPublisher.removeObserver(observe);
  },
};

function observe(event: LogEvent): void {
  if (event.log_failure) logged.errors.push(event.log_failure.value as Error);
}

/** Around each test: hears what is logged, and closes what the test has left open. */
export function tidyUp(reactor: () => AnyReactor): void {
  beforeEach(() => logged.begin());
  afterEach(() => {
    logged.end();
    for (const transport of reactor().openTransports) (transport as Partial<StreamConnection>).abortConnection?.();
  });
}

/** Counts what it receives and keeps the reasons of its end. */
export class Recorder extends Protocol {
  declare transport: StreamConnection;
  bytes = 0;
  readonly reasons: Failure[] = [];
  override dataReceived(data: Buffer): void {
    this.bytes += data.length;
  }
  override connectionLost(reason: Failure): void {
    this.reasons.push(reason);
  }
  get isLost(): boolean {
    return this.reasons.length > 0;
  }
  get error(): unknown {
    return this.reasons[0]?.value;
  }
}

/** Writes down what it is told. */
export class RecordingFactory extends ClientFactory {
  override noisy = false;
  readonly events: string[] = [];
  readonly reasons: Failure[] = [];
  constructor(override readonly protocol: () => IProtocol | null = () => new Recorder()) {
    super();
  }
  override startFactory(): void {
    this.events.push("start");
  }
  override stopFactory(): void {
    this.events.push("stop");
  }
  override startedConnecting(): void {
    this.events.push("connecting");
  }
  override clientConnectionFailed(connector: IConnector, reason: Failure): void {
    this.events.push("failed");
    this.reasons.push(reason);
  }
  override clientConnectionLost(connector: IConnector, reason: Failure): void {
    this.events.push("lost");
    this.reasons.push(reason);
  }
  get error(): unknown {
    return this.reasons[0]?.value;
  }
}

/** One turn of the event loop. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** A quiet server factory. */
export function serving(protocol: () => IProtocol | null): Factory {
  const factory = Factory.forProtocol(protocol);
  factory.noisy = false;
  return factory;
}

/** Connects the two by a port that is closed again. */
export async function pair<S extends Recorder, C extends Recorder>(
  reactor: AnyReactor,
  server: S,
  client: C,
): Promise<[S, C]> {
  const port = reactor.listenTCP(
    0,
    serving(() => server),
  );
  reactor.connectTCP("127.0.0.1", port.getHost().port, new RecordingFactory(() => client));
  await until(() => server.connected && client.connected);
  await port.stopListening();
  return [server, client];
}
