import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { IPluggableAuthenticationModules, type PamItem } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { expect, test } from "vitest";
import { UserauthInfoRequest, UserauthInfoResponse } from "../messages/userauth.js";
import { NS, request, serve } from "./fixtures.test.support.js";

/** Has the rounds of PAM, and what was answered in each. */
class Modules implements ICredentialsChecker {
  readonly credentialInterfaces = [IPluggableAuthenticationModules];
  readonly answered: unknown[] = [];

  constructor(readonly rounds: readonly (readonly PamItem[])[]) {}

  async requestAvatarId(user: IPluggableAuthenticationModules): Promise<string> {
    for (const round of this.rounds) this.answered.push(await user.pamConversion(round));
    if (JSON.stringify(this.answered).includes("wrong")) throw new UnauthorizedLogin();
    return user.username;
  }
}

const ROUNDS: PamItem[][] = [
  [
    ["Password: ", 1],
    ["Your password ends soon.", 4],
  ],
  [
    ["No such badge!", 3],
    ["Try again.", 4],
  ],
  [
    ["Code: ", 2],
    ["PIN: ", 1],
  ],
];

const settled = async () => new Promise((later) => setImmediate(later));

function answers(...texts: string[]): Buffer {
  return UserauthInfoResponse.encode({ answers: texts.map((answer) => ({ answer: Buffer.from(answer) })) });
}

test("PAM's rounds are asked one after the other, what it tells stands above what it asks, and answers find their items", async () => {
  const modules = new Modules(ROUNDS);
  const { service, transport } = serve({ checkers: [modules] });
  expect(service.supportedAuthentications).toEqual(["keyboard-interactive"]);
  service.ssh_USERAUTH_REQUEST(request("keyboard-interactive", NS("", "pam")));
  const asked = [];
  for (const reply of [["secret"], [], ["123", "4"]]) {
    await settled();
    const [number, body] = transport.packets.at(-1)!;
    expect(number).toBe(60);
    const { instruction, prompts } = UserauthInfoRequest.decode(body);
    asked.push([instruction, prompts.map(({ prompt, echo }) => [prompt, echo])]);
    service.ssh_USERAUTH_INFO_RESPONSE(answers(...reply));
  }
  await settled();
  expect(asked).toEqual([
    ["Your password ends soon.", [["Password: ", false]]],
    ["No such badge!\nTry again.", []],
    [
      "",
      [
        ["Code: ", true],
        ["PIN: ", false],
      ],
    ],
  ]);
  const [first, second, third] = modules.answered;
  expect(first).toEqual([["secret", 0], ["", 0]]); // prettier-ignore
  expect(second).toEqual([["", 0], ["", 0]]); // prettier-ignore
  expect(third).toEqual([["123", 0], ["4", 0]]); // prettier-ignore
  expect(transport.packets.at(-1)![0]).toBe(52);
});

test("a wrong answer fails, after the delay of all failures", async () => {
  const { service, transport, clock } = serve({ checkers: [new Modules(ROUNDS.slice(0, 1))] });
  service.ssh_USERAUTH_REQUEST(request("keyboard-interactive", NS("", "")));
  await settled();
  service.ssh_USERAUTH_INFO_RESPONSE(answers("wrong"));
  await settled();
  expect(transport.packets).toHaveLength(1);
  clock.advance(service.passwordDelay);
  await settled();
  expect(transport.packets.at(-1)![0]).toBe(51);
});

test("a user who goes on without answering ends PAM's conversation", async () => {
  let failed: unknown;
  const checker: ICredentialsChecker = {
    credentialInterfaces: [IPluggableAuthenticationModules],
    async requestAvatarId(credentials) {
      const user = credentials as IPluggableAuthenticationModules;
      failed = await Promise.resolve(user.pamConversion([["Password: ", 1]])).catch((error: unknown) => error);
      throw new UnauthorizedLogin();
    },
  };
  const { service } = serve({ checkers: [checker] });
  service.ssh_USERAUTH_REQUEST(request("keyboard-interactive", NS("", "")));
  await settled();
  service.ssh_USERAUTH_REQUEST(request("keyboard-interactive", NS("", "")));
  await settled();
  expect(failed).toBeInstanceOf(Error);
});
