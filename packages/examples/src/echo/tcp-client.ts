/** Talks to tcp-server. node tcp-client.js [PORT] */
import { reactor } from "@strombus/reactor";
import { EchoClientFactory } from "./client.js";

reactor.connectTCP("localhost", Number(process.argv[2] ?? 8000), new EchoClientFactory());
await reactor.run();
