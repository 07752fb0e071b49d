/** A session that greets, echoes, and logs off whoever says nothing for five minutes. */
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { reactor } from "@strombus/reactor";
import type { IDelayedCall, IReactorTime } from "@strombus/reactor/interfaces";

export class Greeter extends SSHChannel {
  override name = "session";
  idleTime = 300; // seconds
  clock: IReactorTime = reactor;
  #idle: IDelayedCall | null = null;

  request_shell(data: Buffer) {
    this.write("hello\r\n");
    this.#idle = this.clock.callLater(this.idleTime, () => {
      this.write("bye\r\n");
      this.loseConnection();
    });
    return true;
  }

  override dataReceived(data: Buffer) {
    this.#idle?.reset(this.idleTime);
    this.write(`you said ${data.toString()}\r\n`);
  }

  override closed() {
    if (this.#idle?.active()) this.#idle.cancel();
  }
}
