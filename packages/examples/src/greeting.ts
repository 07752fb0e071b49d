/** What users find behind the checkers of the examples: a session that greets them by name and closes. */
import { type ChannelOpenOptions, ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import type { AvatarId, IRealm } from "@strombus/cred/portal";

export class GreetingRealm implements IRealm {
  requestAvatar(avatarId: AvatarId) {
    const user = new ConchUser();
    user.channelLookup["session"] = (options) => new Greeting(options, String(avatarId));
    return [IConchUser, user, () => {}] as const;
  }
}

class Greeting extends SSHChannel {
  override name = "session";
  readonly #user: string;

  constructor(options: ChannelOpenOptions, user: string) {
    super(options);
    this.#user = user;
  }

  request_pty_req(data: Buffer) {
    return true;
  }

  request_shell(data: Buffer) {
    this.write(`Welcome, ${this.#user}!\r\n`);
    this.loseConnection();
    return true;
  }
}
