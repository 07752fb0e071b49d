/** Checkers that do what they should not, and a client at the other end: OpenSSH's, for the methods that it begins by itself. */
import { ValidPublicKey } from "@strombus/conch/error";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHUserAuthServer } from "@strombus/conch/ssh/userauth";
import { sessionProgram } from "@strombus/conch/streams";
import { type ICredentialsChecker, InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import {
  IAnonymous,
  type ICredentials,
  IKeyboardInteractive,
  IPluggableAuthenticationModules,
  ISSHHostBased,
  ISSHPrivateKey,
  IUsernamePassword,
  IUsernamePasswordChange,
} from "@strombus/cred/credentials";
import { Portal } from "@strombus/cred/portal";
import type { InterfaceToken } from "@strombus/reactor/components";
import { formatEvent, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { PeerFolder } from "../support/interop-folder.js";
import { privateFile } from "../support/interop-keys.js";
import { fields } from "../support/memory-ssh.js";
import { openSSH } from "../support/openssh.js";
import { Program } from "../support/program.js";
import { RawClient } from "../support/raw-client.js";
import { serve } from "../support/server.js";

const openssh = openSSH();
const folder = new PeerFolder(openssh.prefix);
let keyFile = "";
beforeAll(() => void (keyFile = folder.put("key", privateFile(key))));
afterAll(() => folder.remove());

const key = Key.generate("ed25519");
const [REQUEST, SUCCESS] = [50, 52];
const SERVICE = "ssh-connection";

interface Method {
  readonly kind: InterfaceToken;
  /** OpenSSH begins it by itself. */
  readonly isOpenSSHs?: true;
  /** What a client of ours says; its signatures are checked by nobody. */
  readonly say: Uint8Array;
}

const METHODS: Readonly<Record<string, Method>> = {
  none: { kind: IAnonymous, isOpenSSHs: true, say: fields("user", SERVICE, "none") },
  password: {
    kind: IUsernamePassword,
    isOpenSSHs: true,
    say: fields("user", SERVICE, "password", false, "x"),
  },
  publickey: {
    kind: ISSHPrivateKey,
    isOpenSSHs: true,
    say: fields("user", SERVICE, "publickey", true, "ssh-ed25519", key.blob(), key.sign("anything")),
  },
  "keyboard-interactive": {
    kind: IKeyboardInteractive,
    isOpenSSHs: true,
    say: fields("user", SERVICE, "keyboard-interactive", "", ""),
  },
  "a change of the password": {
    kind: IUsernamePasswordChange,
    say: fields("user", SERVICE, "password", true, "old", "new"),
  },
  "keyboard-interactive by PAM": {
    kind: IPluggableAuthenticationModules,
    say: fields("user", SERVICE, "keyboard-interactive", "", ""),
  },
  hostbased: {
    kind: ISSHHostBased,
    say: fields("user", SERVICE, "hostbased", "ssh-ed25519", key.blob(), "host.", "user", key.sign("anything")),
  },
};

/** Whoever has changed the password has this one. */
const NEW = { user: "new" };

/** A client on its way in, and how it ends. */
interface Visitor {
  readonly isIn: Promise<boolean>;
  leave(): unknown;
}

function rawVisitor(port: number, say: Uint8Array): Visitor {
  const connecting = RawClient.connect(port);
  return {
    isIn: connecting.then(async (client) => {
      const [number] = await client.ask(REQUEST, say);
      client.loseConnection();
      return number === SUCCESS;
    }),
    leave: async () => (await connecting).loseConnection(),
  };
}

function opensshVisitor(port: number): Visitor {
  const settings = [
    ...["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "NumberOfPasswordPrompts=1"],
    ...["IdentitiesOnly=yes", "IdentityAgent=none"],
  ].flatMap((setting) => ["-o", setting]);
  const client = new Program(
    [...openssh.prefix, "ssh", "-F", "none", "-i", keyFile, ...settings, "-p", `${port}`, "user@127.0.0.1", "x"],
    { env: { SSH_ASKPASS: openssh.askpass, SSH_ASKPASS_REQUIRE: "force", STROMBUS_TEST_PASSWORD: "x" } },
  );
  client.endInput();
  return {
    isIn: client.ending.then(({ status }) => status === 0 && client.stdout.text === "in\n"),
    leave: async () => client.kill("SIGKILL"),
  };
}

/** Fires when the client that a checker was asked for is to go, and when the checker is to answer at last. */
class Moment {
  arrive!: () => void;
  readonly comes = new Promise<void>((resolve) => (this.arrive = resolve));
}

type Answer = (asked: Moment, gone: Moment) => unknown;

interface Case {
  readonly answer: Answer;
  /** Whether one gets in; by default not. */
  readonly letsIn?: true;
  /** What the log says, with the checker's name. */
  readonly log?: RegExp;
  readonly clientGoes?: true;
  readonly timeRunsOut?: true;
}

const CASES: Readonly<Record<string, Case>> = {
  "throws at once": {
    answer: () => {
      throw new TypeError("users is not iterable");
    },
    log: /ShopUsers[^]*users is not iterable/,
  },
  "is rejected later": {
    answer: async () => Promise.reject(new TypeError("no such column")),
    log: /ShopUsers[^]*no such column/,
  },
  "answers by nonsense": { answer: () => ({ name: "user" }), log: /ShopUsers answered by what is no avatar id/ },
  "never answers": {
    answer: async (asked) => {
      asked.arrive();
      return new Promise(() => {});
    },
    timeRunsOut: true,
    log: /checker ShopUsers has not answered in time/,
  },
  "answers twice": {
    answer: () => ({
      then(resolve: (id: unknown) => void, reject: (error: unknown) => void) {
        resolve("user");
        resolve("root");
        reject(new TypeError("no"));
      },
    }),
    letsIn: true,
  },
  "answers when the client has gone": {
    answer: async (asked, gone) => {
      asked.arrive();
      await gone.comes;
      return "user";
    },
    clientGoes: true,
    // (who changed a password is let in by whoever checks the new one)
    log: /checker (ShopUsers|InMemory\w+) let somebody in whose request is gone/,
  },
};

for (const [method, { kind, isOpenSSHs = false, say }] of Object.entries(METHODS)) {
  describe(`by ${method}, a checker`, () => {
    for (const [
      what,
      { answer, letsIn = false, log = null, clientGoes = false, timeRunsOut = false },
    ] of Object.entries(CASES)) {
      test(`that ${what}`, async () => {
        const [asked, gone, ended] = [new Moment(), new Moment(), new Moment()];
        const lines: string[] = [];
        const observer = (event: LogEvent) => void lines.push(`${formatEvent(event)} ${String(event.log_failure)}`);
        globalLogPublisher.addObserver(observer);
        onTestFinished(() => globalLogPublisher.removeObserver(observer));
        const logouts: unknown[] = [];
        const services: SSHUserAuthServer[] = [];

        class ShopUsers implements ICredentialsChecker {
          readonly credentialInterfaces = [kind];
          isBroken = true;
          requestAvatarId(credentials: ICredentials) {
            const { signature } = credentials as ISSHPrivateKey;
            if (signature === null) throw new ValidPublicKey();
            return (this.isBroken ? answer(asked, gone) : "user") as string;
          }
        }
        const checker = new ShopUsers();
        const hello = sessionProgram(({ stdout }) => {
          stdout.write("in\n");
          return 0;
        });
        const server = serve(hello, (factory) => {
          const { realm } = factory.portal!;
          const counting = {
            async requestAvatar(...asked: Parameters<typeof realm.requestAvatar>) {
              const [iface, avatar, logout] = await realm.requestAvatar(...asked);
              return [iface, avatar, () => (logouts.push(avatar), logout())] as const;
            },
          };
          const others = kind === IUsernamePasswordChange ? [new InMemoryUsernamePasswordDatabaseDontUse(NEW)] : [];
          factory.portal = new Portal(counting, [checker, ...others]);
          factory.services = {
            ...factory.services,
            "ssh-userauth": class extends SSHUserAuthServer {
              override passwordDelay = 0;
              override serviceStarted() {
                super.serviceStarted();
                services.push(this);
              }
              override serviceStopped() {
                super.serviceStopped();
                if (this.transport?.service === null) ended.arrive();
              }
            },
          };
        });
        onTestFinished(async () => server.close());
        const client = isOpenSSHs ? opensshVisitor(server.port) : rawVisitor(server.port, say);
        if (clientGoes) {
          await asked.comes;
          await client.leave();
          await ended.comes;
          gone.arrive();
          await expect.poll(() => logouts.length).toBe(1);
        } else {
          if (timeRunsOut) {
            await asked.comes;
            services.at(-1)!.timeoutAuthentication();
          }
          expect(await client.isIn).toBe(letsIn);
        }
        if (log !== null) expect(lines.join("\n")).toMatch(log);

        checker.isBroken = false; // and the next one gets in
        expect(await rawVisitor(server.port, say).isIn).toBe(true);
      });
    }
  });
}
