/** Forwards connections to another host. node main.js [PORT [HOST [PORT]]] */
import { reactor } from "@strombus/reactor";
import { ProxyFactory } from "@strombus/reactor/protocols/portforward";
import { announce } from "../announce.js";
import { readWords } from "../words.js";

const [port = "8002", host = "localhost", hostPort = "8000"] = readWords("[PORT [HOST [PORT]]]");
const listening = reactor.listenTCP(Number(port), new ProxyFactory(host, Number(hostPort)));
announce(listening);
await reactor.run();
