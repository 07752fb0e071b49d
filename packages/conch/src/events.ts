/** What a server tells of itself: events with a name and fields, for observers of a factory and in the log. */
export type {
  ChannelFields,
  ConnectionFields,
  EventFields,
  EventName,
  ForwardingFields,
  SessionFields,
  SSHEvent,
} from "./events/catalogue.js";
export { type EventObserver, SSHEvents } from "./events/observers.js";
