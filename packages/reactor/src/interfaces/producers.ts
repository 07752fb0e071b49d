/** Producers and consumers: who makes data, who takes it, and who waits for whom. */
import { type InterfaceToken, interfaceToken } from "../components.js";
import type { BytesLike } from "./values.js";

/** Makes data for a consumer. */
export interface IProducer {
  /** The consumer is gone for good: produce nothing more. */
  stopProducing(): void;
}
export const IProducer: InterfaceToken<IProducer> = interfaceToken<IProducer>("IProducer", [], ["stopProducing"]);

/** Produces by itself from the moment it is registered, with `streaming` true. Pausing twice in a row is harmless. */
export interface IPushProducer extends IProducer {
  pauseProducing(): void;
  resumeProducing(): void;
}
export const IPushProducer: InterfaceToken<IPushProducer> = interfaceToken<IPushProducer>(
  "IPushProducer",
  [IProducer],
  ["pauseProducing", "resumeProducing"],
);

/** Produces once, synchronously, each time it is asked; registered with `streaming` false. */
export interface IPullProducer extends IProducer {
  resumeProducing(): void;
}
export const IPullProducer: InterfaceToken<IPullProducer> = interfaceToken<IPullProducer>(
  "IPullProducer",
  [IProducer],
  ["resumeProducing"],
);

/** Takes data, and tells one producer when to make more. */
export interface IConsumer {
  write(data: BytesLike): void;
  /** @throws RuntimeError if a producer is registered already. */
  registerProducer(producer: IPushProducer, streaming: true): void;
  registerProducer(producer: IPullProducer, streaming: false): void;
  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void;
  unregisterProducer(): void;
}
export const IConsumer: InterfaceToken<IConsumer> = interfaceToken<IConsumer>(
  "IConsumer",
  [],
  ["write", "registerProducer", "unregisterProducer"],
);
