/** Forwards connections to another host. node main.js [PORT [HOST [PORT]]] */
import { reactor } from "@strombus/reactor";
import { ProxyFactory } from "@strombus/reactor/protocols/portforward";
import { announce } from "../announce.js";

const [port = "8002", host = "localhost", hostPort = "8000"] = process.argv.slice(2);
const listening = reactor.listenTCP(Number(port), new ProxyFactory(host, Number(hostPort)));
announce(listening);
await reactor.run();
