/** Talks to tcp-server. node tcp-client.js [PORT] */
import { reactor } from "@strombus/reactor";
import { readWords } from "../words.js";
import { EchoClientFactory } from "./client.js";

const [port = "8000"] = readWords("[PORT]");
reactor.connectTCP("localhost", Number(port), new EchoClientFactory());
await reactor.run();
