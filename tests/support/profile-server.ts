/** A server whose algorithms are those of the profile that it is told. Its sessions say hello and end. */
import { SSHChannel } from "@strombus/conch/ssh/channel";
import type { Profile } from "@strombus/conch/ssh/transport";
import { serve } from "./server.js";

class Hello extends SSHChannel {
  override name = "session";

  request_exec() {
    this.write("hello");
    this.conn?.sendRequest(this, "exit-status", Buffer.alloc(4));
    this.loseConnection();
    return true;
  }
}

const server = serve(Hello, (factory) => {
  factory.algorithms = process.argv[2] as Profile;
});
console.log(`port ${server.port}`);
