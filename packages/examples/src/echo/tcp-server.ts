/** Sends back whatever a client sends. node tcp-server.js [PORT] */
import { reactor } from "@strombus/reactor";
import { Factory } from "@strombus/reactor/protocol";
import { Echo } from "@strombus/reactor/protocols/wire";
import { announce } from "../announce.js";
import { readWords } from "../words.js";

const [port = "8000"] = readWords("[PORT]");
const listening = reactor.listenTCP(Number(port), Factory.forProtocol(Echo));
announce(listening);
await reactor.run();
