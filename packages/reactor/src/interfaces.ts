/**
 * The interfaces of the reactor (twisted.internet.interfaces): each is a type and a runtime token of one name.
 * An object with the right methods provides an interface without saying so, except for those whose presence changes
 * behaviour, such as IHalfCloseableProtocol and ILoggingContext: those are declared.
 */
export * from "./interfaces/values.js";
export * from "./interfaces/producers.js";
export * from "./interfaces/transports.js";
export * from "./interfaces/protocols.js";
export * from "./interfaces/names.js";
export * from "./interfaces/endpoints.js";
export * from "./interfaces/processes.js";
export * from "./interfaces/datagrams.js";
export * from "./interfaces/sockets.js";
export * from "./interfaces/reactor.js";
