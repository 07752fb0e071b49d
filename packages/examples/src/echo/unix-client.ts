/** Talks to unix-server. node unix-client.js [PATH] */
import { reactor } from "@strombus/reactor";
import { EchoClientFactory } from "./client.js";

reactor.connectUNIX(process.argv[2] ?? "echo.socket", new EchoClientFactory(), { checkPID: true });
await reactor.run();
