/** Logins by PAM, the Pluggable Authentication Modules of the system (twisted.cred.pamauth). */
import { type InterfaceToken, classImplements, providedBy } from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { Logger } from "@strombus/reactor/logger";
import { ICredentialsChecker } from "../checkers/interfaces.js";
import { IPluggableAuthenticationModules, type IUsernamePassword, type PamItem } from "../credentials/interfaces.js";
import { originOf } from "../credentials/origin.js";
import { UnauthorizedLogin } from "../error.js";
import { optional } from "../optional.js";
import { WorkQueue } from "../work.js";
import { PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON } from "./conversation.js";
import type { PAMProcess } from "./process.js";

export interface PAMCheckerOptions {
  /** PAM's name for what one logs in to: `/etc/pam.d/<service>` says how, or else `/etc/pam.d/other`. */
  readonly service?: string;
  /** How many logins may be under way at a time; each has a process. Default 16. */
  readonly maxProcesses?: number;
  /** How long a login may take, the user's answers included, in seconds; default 120. */
  readonly timeout?: number;
}

const LIBRARY = "libpam.so.0";
const PAM_SUCCESS = 0;

/** Results that say something of the user, not of the system's setup (pam(3)). */
const REFUSALS = new Set([
  6, // PAM_PERM_DENIED
  7, // PAM_AUTH_ERR
  8, // PAM_CRED_INSUFFICIENT
  10, // PAM_USER_UNKNOWN
  11, // PAM_MAXTRIES
  12, // PAM_NEW_AUTHTOK_REQD
  13, // PAM_ACCT_EXPIRED
  19, // PAM_CONV_ERR
]);

/** Processes that have nothing to do are kept up to this number. */
const MAX_IDLE = 4;

type PamAnswer = readonly [response: string, code: 0];
type Ask = (items: readonly PamItem[]) => Promise<readonly PamAnswer[]>;

/** Who logs in, and the address of the host that they come from, which PAM knows as PAM_RHOST. */
interface Login {
  readonly username: string;
  readonly remoteHost: string | null;
}

/** A result of PAM's, and its text. */
interface Decision {
  readonly result: number;
  readonly text: string;
}

const log = new Logger({ namespace: "@strombus/cred/pam" });

/**
 * Lets in whom PAM lets in. Its questions go to the user by `keyboard-interactive`; registered for `IUsernamePassword`, it
 * answers the first question that hides what is typed with the password, and gives up at a second one.
 *
 * ```ts
 * portal.registerChecker(new PluggableAuthenticationModulesChecker({ service: "sshd" }));
 * portal.registerChecker(checker, IUsernamePassword);
 * ```
 */
export class PluggableAuthenticationModulesChecker implements ICredentialsChecker {
  readonly credentialInterfaces: readonly InterfaceToken[] = [IPluggableAuthenticationModules];
  service: string;
  readonly #timeout: number;
  readonly #logins: WorkQueue;
  readonly #idle: PAMProcess[] = [];

  /** @throws NotImplementedError without the package koffi, or without PAM on this system. */
  constructor({ service = "Twisted", maxProcesses = 16, timeout = 120 }: PAMCheckerOptions = {}) {
    const koffi = optional<{ load(path: string): unknown }>("koffi", "Logging in by PAM");
    try {
      koffi.load(LIBRARY);
    } catch (cause) {
      throw new NotImplementedError(`Logging in by PAM needs ${LIBRARY} on this system`, { cause });
    }
    this.service = service;
    this.#timeout = timeout;
    this.#logins = new WorkQueue({ concurrency: maxProcesses });
  }

  /** The name as it was given; fails with UnauthorizedLogin. */
  requestAvatarId(credentials: IPluggableAuthenticationModules | IUsernamePassword): Deferred<string> {
    const answers = providedBy(IPluggableAuthenticationModules, credentials)
      ? async (items: readonly PamItem[]) => await credentials.pamConversion(items)
      : byPassword(credentials.password);
    return Deferred.fromPromise(this.#logins.run(async () => this.#check(whoIs(credentials), answers)));
  }

  async #check({ username, remoteHost }: Login, ask: Ask): Promise<string> {
    if (/[\0\p{Surrogate}]/u.test(username)) throw new UnauthorizedLogin("no user has such a name");
    const { result, text } = await this.#decision({ username, remoteHost }, ask);
    if (result === PAM_SUCCESS) return username;
    if (!REFUSALS.has(result)) log.error("PAM could not check a user: {text} ({result})", { text, result });
    throw new UnauthorizedLogin(text);
  }

  /** What PAM says, in a process that is kept for another login if nothing was wrong with it. */
  async #decision(login: Login, ask: Ask): Promise<Decision> {
    const child = this.#idle.pop() ?? (await newProcess());
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("it took too long")), this.#timeout * 1000);
    });
    try {
      const decision = await Promise.race([this.#talk(child, login, ask), late]);
      if (this.#idle.length >= MAX_IDLE) child.end();
      else {
        child.rest();
        this.#idle.push(child);
      }
      return decision;
    } catch (error) {
      child.end();
      log.error("PAM could not check a user: {error}", { error });
      throw new UnauthorizedLogin("PAM could not be asked", { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** How PAM decided. A round that the user does not answer is one that failed. */
  async #talk(child: PAMProcess, { username: user, remoteHost }: Login, ask: Ask): Promise<Decision> {
    child.say({ service: this.service, user, remoteHost });
    for (;;) {
      const message = await child.hear();
      if ("result" in message) return message;
      const answers = await ask(message.items).then(
        (given) => given.map(([response]) => response),
        () => null,
      );
      child.say({ answers: answers?.some((each) => each.includes("\0")) === true ? null : answers });
    }
  }
}
classImplements(PluggableAuthenticationModulesChecker, ICredentialsChecker);

function whoIs(credentials: IPluggableAuthenticationModules | IUsernamePassword): Login {
  return { username: credentials.username, remoteHost: originOf(credentials) };
}

/** Answers with a password, once: a module that asks again wants something else. */
function byPassword(password: string): Ask {
  let told = false;
  return async (items) => {
    return Promise.resolve(
      items.map(([, kind]): PamAnswer => {
        if (kind !== PAM_PROMPT_ECHO_OFF && kind !== PAM_PROMPT_ECHO_ON) return ["", 0];
        if (told || kind !== PAM_PROMPT_ECHO_OFF) throw new UnauthorizedLogin("PAM asks more than the password");
        told = true;
        return [password, 0];
      }),
    );
  };
}

/** What starts processes is loaded by those who have them. */
async function newProcess(): Promise<PAMProcess> {
  const { PAMProcess } = await import("./process.js");
  return new PAMProcess();
}
