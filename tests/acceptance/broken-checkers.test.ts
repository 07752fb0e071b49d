/** Checkers that do what they should not, and OpenSSH's client at the other end: by each method that it begins by itself. */
import { ValidPublicKey } from "@strombus/conch/error";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHUserAuthServer } from "@strombus/conch/ssh/userauth";
import { sessionProgram } from "@strombus/conch/streams";
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import {
  IAnonymous,
  type ICredentials,
  IKeyboardInteractive,
  ISSHPrivateKey,
  IUsernamePassword,
} from "@strombus/cred/credentials";
import { Portal } from "@strombus/cred/portal";
import type { InterfaceToken } from "@strombus/reactor/components";
import { formatEvent, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { PeerFolder } from "../support/interop-folder.js";
import { privateFile } from "../support/interop-keys.js";
import { openSSH } from "../support/openssh.js";
import { Program } from "../support/program.js";
import { serve } from "../support/server.js";

const openssh = openSSH();
const folder = new PeerFolder(openssh.prefix);
let keyFile = "";
beforeAll(() => void (keyFile = folder.put("key", privateFile(Key.generate("ed25519")))));
afterAll(() => folder.remove());

const KINDS: Readonly<Record<string, InterfaceToken>> = {
  none: IAnonymous,
  password: IUsernamePassword,
  publickey: ISSHPrivateKey,
  "keyboard-interactive": IKeyboardInteractive,
};

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
    answer: async () => new Promise(() => {}),
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
    log: /checker ShopUsers let somebody in whose request is gone/,
  },
};

for (const [method, kind] of Object.entries(KINDS)) {
  describe(`by ${method}, a checker`, () => {
    for (const [what, { answer, letsIn = false, log = null, clientGoes = false }] of Object.entries(CASES)) {
      test(`that ${what}`, async () => {
        const [asked, gone, ended] = [new Moment(), new Moment(), new Moment()];
        const lines: string[] = [];
        const observer = (event: LogEvent) => void lines.push(`${formatEvent(event)} ${String(event.log_failure)}`);
        globalLogPublisher.addObserver(observer);
        onTestFinished(() => globalLogPublisher.removeObserver(observer));
        const logouts: unknown[] = [];

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
          factory.portal = new Portal(counting, [checker]);
          factory.services = {
            ...factory.services,
            "ssh-userauth": class extends SSHUserAuthServer {
              override passwordDelay = 0;
              override loginTimeout = what === "never answers" ? 1 : 120;
              override serviceStopped() {
                super.serviceStopped();
                if (this.transport?.service === null) ended.arrive();
              }
            },
          };
        });
        onTestFinished(async () => server.close());
        const connect = () =>
          new Program(
            [
              ...[...openssh.prefix, "ssh", "-F", "none", "-i", keyFile],
              ...["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "NumberOfPasswordPrompts=1"].flatMap(
                (setting) => ["-o", setting],
              ),
              ...[
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "IdentityAgent=none",
                "-p",
                `${server.port}`,
                "user@127.0.0.1",
                "x",
              ],
            ],
            { env: { SSH_ASKPASS: openssh.askpass, SSH_ASKPASS_REQUIRE: "force", STROMBUS_TEST_PASSWORD: "x" } },
          );

        const client = connect();
        client.endInput();
        if (clientGoes) {
          await asked.comes;
          await client.kill("SIGKILL");
          await ended.comes;
          gone.arrive();
          await expect.poll(() => logouts.length).toBe(1);
        } else {
          const { status } = await client.ending;
          expect([status, client.stdout.text], client.stderr.text).toEqual(letsIn ? [0, "in\n"] : [255, ""]);
        }
        if (log !== null) expect(lines.join("\n")).toMatch(log);

        checker.isBroken = false; // and the next one gets in
        const next = connect();
        next.endInput();
        expect((await next.ending).status, next.stderr.text).toBe(0);
        expect(next.stdout.text).toBe("in\n");
      });
    }
  });
}
