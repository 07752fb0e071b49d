/** Sends back whatever a client sends. node tcp-server.js [PORT] */
import { reactor } from "@strombus/reactor";
import { Factory } from "@strombus/reactor/protocol";
import { Echo } from "@strombus/reactor/protocols/wire";
import { announce } from "../announce.js";

const listening = reactor.listenTCP(Number(process.argv[2] ?? 8000), Factory.forProtocol(Echo));
announce(listening);
await reactor.run();
