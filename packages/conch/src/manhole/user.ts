/** Users who have a terminal. */
import type { AvatarId } from "@strombus/cred/portal";
import type { Componentized, InterfaceToken } from "@strombus/reactor/components";
import { ConchUser } from "../avatar.js";
import { SSHSession } from "../ssh/session.js";

/** A user whose sessions are what the realm has put into `original`. */
export class TerminalUser extends ConchUser {
  constructor(
    readonly original: Componentized,
    readonly avatarId: AvatarId,
  ) {
    super();
    this.channelLookup["session"] = SSHSession;
  }

  __conform__(token: InterfaceToken): unknown {
    return this.original.getComponent(token);
  }
}
