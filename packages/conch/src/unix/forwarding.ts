/** Forwarding for an account: what the system lets the account do, and no more. */
import { reactor as theReactor } from "@strombus/reactor";
import type { IListeningPort } from "@strombus/reactor/interfaces";
import type { ForwardingReactor } from "../ssh/forwarding.js";
import type { UnixConchUser } from "./avatar.js";

/**
 * A reactor that listens, and uses sockets of the file system, as the user: root could listen on every port, connect to
 * everybody's sockets, and remove any file by a path that is the user's to change.
 */
export function reactorOf(user: UnixConchUser, reactor: ForwardingReactor = theReactor): ForwardingReactor {
  const asUser = <T>(call: () => T): T => user._runAsUser(call);
  const listening = (listen: () => IListeningPort): IListeningPort => {
    const port = asUser(listen);
    return {
      startListening: () => asUser(() => port.startListening()),
      stopListening: () => asUser(() => port.stopListening()),
      getHost: () => port.getHost(),
    };
  };
  return {
    listenTCP: (...call) => listening(() => reactor.listenTCP(...call)),
    listenUNIX: (...call) => listening(() => reactor.listenUNIX(...call)),
    connectTCP: (...call) => reactor.connectTCP(...call),
    connectUNIX: (...call) => asUser(() => reactor.connectUNIX(...call)),
    seconds: () => reactor.seconds(),
    callLater: (...call) => reactor.callLater(...call),
    getDelayedCalls: () => reactor.getDelayedCalls(),
    get nameResolver() {
      return reactor.nameResolver;
    },
  };
}
