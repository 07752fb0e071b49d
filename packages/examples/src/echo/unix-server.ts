/** An echo server on a socket in the file system. node unix-server.js [PATH] */
import { reactor } from "@strombus/reactor";
import { Factory } from "@strombus/reactor/protocol";
import { Echo } from "@strombus/reactor/protocols/wire";
import { readWords } from "../words.js";

const [path = "echo.socket"] = readWords("[PATH]");
reactor.listenUNIX(path, Factory.forProtocol(Echo), { mode: 0o600, wantPID: true });
console.log(`listening on ${path}`);
await reactor.run();
