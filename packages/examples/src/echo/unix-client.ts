/** Talks to unix-server. node unix-client.js [PATH] */
import { reactor } from "@strombus/reactor";
import { readWords } from "../words.js";
import { EchoClientFactory } from "./client.js";

const [path = "echo.socket"] = readWords("[PATH]");
reactor.connectUNIX(path, new EchoClientFactory(), { checkPID: true });
await reactor.run();
