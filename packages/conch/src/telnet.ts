/** Telnet (twisted.conch.telnet): the protocol of RFC 854, its options, terminals on it, and a login in the clear. */
export * from "./telnet/constants.js";
export {
  AlreadyDisabled,
  AlreadyEnabled,
  AlreadyNegotiating,
  NegotiationError,
  OptionRefused,
  TelnetError,
} from "./telnet/errors.js";
export {
  ITelnetProtocol,
  ITelnetTransport,
  type SubnegotiationHandler,
  type TelnetOption,
} from "./telnet/interfaces.js";
export { type CommandTable, type OptionState, type Perspective } from "./telnet/negotiation.js";
export { type CommandHandler, Telnet, type TelnetState } from "./telnet/parser.js";
export { ProtocolTransportMixin, TelnetProtocol, TelnetTransport } from "./telnet/transport.js";
export { TelnetBootstrapProtocol } from "./telnet/bootstrap.js";
export { StatefulTelnetProtocol } from "./telnet/stateful.js";
export { AuthenticatingTelnetProtocol } from "./telnet/authentication.js";
