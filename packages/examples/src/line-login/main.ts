/** cred without SSH: a protocol of lines on which users log in by USER and PASS. node main.js [PORT] */
import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { UsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { type AvatarId, type IRealm, Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { type InterfaceToken, interfaceToken } from "@strombus/reactor/components";
import { Factory } from "@strombus/reactor/protocol";
import { LineReceiver } from "@strombus/reactor/protocols/basic";
import { announce } from "../announce.js";
import { readWords } from "../words.js";

/** What a user can do here. */
interface IProtocolUser {
  getPrivileges(): string[];
}
const IProtocolUser: InterfaceToken<IProtocolUser> = interfaceToken<IProtocolUser>(
  "IProtocolUser",
  [],
  ["getPrivileges"],
);

class Realm implements IRealm {
  requestAvatar(avatarId: AvatarId, mind: unknown, ...interfaces: InterfaceToken[]) {
    const user: IProtocolUser = { getPrivileges: () => [`be ${String(avatarId)}`, "log out"] };
    return [IProtocolUser, user, () => console.log(`${String(avatarId)} has left`)] as const;
  }
}

const portal = new Portal(new Realm());
portal.registerChecker(new InMemoryUsernamePasswordDatabaseDontUse({ ann: "secret", bob: "hidden" }));

class LoginProtocol extends LineReceiver {
  #user = "";
  #avatar: IProtocolUser | null = null;
  #logout: (() => unknown) | null = null;
  #hasGone = false;

  override connectionMade() {
    this.sendLine("USER, then PASS, then PRIVILEGES or QUIT.");
  }

  override lineReceived(line: Buffer) {
    const [command = "", ...rest] = line.toString().split(" ");
    switch (command.toUpperCase()) {
      case "USER":
        this.#user = rest.join(" ");
        return this.sendLine("and who says so?");
      case "PASS":
        return this.#login(rest.join(" "));
      case "PRIVILEGES":
        return this.sendLine(this.#avatar?.getPrivileges().join(", ") ?? "log in first");
      case "QUIT":
        return this.transport?.loseConnection();
      default:
        return this.sendLine("what?");
    }
  }

  override connectionLost() {
    this.#hasGone = true;
    this.#logout?.();
  }

  async #login(password: string) {
    if (this.#avatar !== null) return this.sendLine("you are somebody already");
    try {
      const [, avatar, logout] = await portal.login(new UsernamePassword(this.#user, password), null, IProtocolUser);
      if (this.#hasGone) return logout();
      this.#avatar = avatar;
      this.#logout = logout;
      this.sendLine("welcome");
    } catch (error) {
      if (!(error instanceof UnauthorizedLogin)) throw error;
      this.sendLine("no");
    }
  }
}

const [port = "8003"] = readWords("[PORT]");
const listening = reactor.listenTCP(Number(port), Factory.forProtocol(LoginProtocol));
announce(listening);
await reactor.run();
