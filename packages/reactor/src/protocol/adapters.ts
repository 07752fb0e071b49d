/** A protocol in the place of a consumer, and the reverse: what one is written, the other receives. */
import { toBuffer } from "../bytes.js";
import { implementer, registerAdapter } from "../components.js";
import {
  type BytesLike,
  IConsumer,
  IProtocol,
  type IPullProducer,
  type IPushProducer,
  type ITransport,
  type MaybeAsync,
} from "../interfaces.js";
import type { Failure } from "../failure.js";
import { logRejection } from "../logged-calls.js";
import { Logger } from "../logger.js";

const log = new Logger({ namespace: "strombus.reactor.protocol" });

/** `adapt(IConsumer, protocol)`: what is written to it, the protocol receives. */
@implementer(IConsumer)
export class ProtocolToConsumerAdapter implements IConsumer {
  constructor(readonly original: IProtocol) {}

  write(data: BytesLike): void {
    logRejection(log, this.original.dataReceived(toBuffer(data)));
  }

  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {}

  unregisterProducer(): void {}
}

/** `adapt(IProtocol, consumer)`: what it receives is written to the consumer. */
@implementer(IProtocol)
export class ConsumerToProtocolAdapter implements IProtocol {
  constructor(readonly original: IConsumer) {}

  dataReceived(data: Buffer): MaybeAsync {
    return this.original.write(data); // nothing, or what an async method promises
  }

  connectionLost(reason: Failure): MaybeAsync {}

  makeConnection(transport: ITransport): MaybeAsync {}

  connectionMade(): MaybeAsync {}
}

registerAdapter(ProtocolToConsumerAdapter, IProtocol, IConsumer);
registerAdapter(ConsumerToProtocolAdapter, IConsumer, IProtocol);
