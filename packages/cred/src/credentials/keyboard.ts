/** Users who answer questions: by their own interface, and as PAM asks (RFC 4256; twisted.cred.pamauth). */
import { classImplements } from "@strombus/reactor/components";
import { type Awaitable, type Deferred, maybeDeferred } from "@strombus/reactor/defer";
import { IKeyboardInteractive, IPluggableAuthenticationModules, type PamItem, type Question } from "./interfaces.js";

/** A name, and the function that holds PAM's conversation. */
export class PluggableAuthenticationModules implements IPluggableAuthenticationModules {
  constructor(
    public username: string,
    public pamConversion: IPluggableAuthenticationModules["pamConversion"],
  ) {}
}
classImplements(PluggableAuthenticationModules, IPluggableAuthenticationModules);

const HIDDEN = 1;
const SHOWN = 2;

/** A name, and the function that asks. A checker for PAM's credentials can use it as well. */
export class KeyboardInteractive implements IKeyboardInteractive, IPluggableAuthenticationModules {
  readonly #ask: (questions: readonly Question[], instruction: string, name: string) => Awaitable<string[]>;

  constructor(
    public username: string,
    ask: (questions: readonly Question[], instruction: string, name: string) => Awaitable<string[]>,
  ) {
    this.#ask = ask;
  }

  ask(questions: readonly (string | Question)[], instruction = "", name = ""): Deferred<string[]> {
    const asked = questions.map((each): Question => (typeof each === "string" ? [each, false] : each));
    return maybeDeferred(() => this.#ask(asked, instruction, name));
  }

  /** One round: what PAM tells stands above what it asks. */
  pamConversion(items: readonly PamItem[]): Deferred<(readonly [response: string, code: 0])[]> {
    const isQuestion = ([, kind]: PamItem): boolean => kind === HIDDEN || kind === SHOWN;
    const questions = items.filter(isQuestion).map(([prompt, kind]): Question => [prompt, kind === SHOWN]);
    const told = items.filter((item) => !isQuestion(item)).map(([message]) => message);
    return this.ask(questions, told.join("\n")).addCallback((answers) => {
      let next = 0;
      return items.map((item): readonly [string, 0] => [isQuestion(item) ? answers[next++]! : "", 0]);
    });
  }
}
classImplements(KeyboardInteractive, IKeyboardInteractive, IPluggableAuthenticationModules);
