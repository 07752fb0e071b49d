/** Users of a directory, who log in with the password that they have there (RFC 4511 and 4513). */
import { randomBytes } from "node:crypto";
import { type InterfaceToken, classImplements } from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import { ValueError } from "@strombus/reactor/exceptions";
import { Logger } from "@strombus/reactor/logger";
import { ICredentialsChecker } from "../checkers/interfaces.js";
import { IUsernamePassword } from "../credentials/interfaces.js";
import { UnauthorizedLogin } from "../error.js";
import { WorkQueue } from "../work.js";
import { type Conversation, Directory, type DirectoryOptions, type Entry } from "./directory.js";
import { escapeValue } from "./escape.js";

/** Where in a directory its users are, `{}` standing for the name that somebody logs in with. */
export type LDAPCheckerOptions = DirectoryOptions & {
  /** The attribute with the user's name, which the realm gets as the directory has it; default `uid`. */
  readonly attribute?: string;
  /** How many connections there may be at a time; default 16. */
  readonly maxConnections?: number;
} & (LDAPDirect | LDAPSearch);

/** All users are in one place, and named by their names. */
export interface LDAPDirect {
  /** For instance `uid={},ou=people,dc=example,dc=com`. */
  readonly userDN: string;
}

/** A search finds the user. */
export interface LDAPSearch {
  /** Below which entry users are. */
  readonly base: string;
  /** For instance `(&(objectClass=person)(uid={}))`. */
  readonly filter: string;
  /** Who searches; nobody in particular without it. */
  readonly bindDN?: string;
  readonly bindPassword?: string;
}

/** A name and no DN: an error that the directory answers, with a result code. */
const REFUSALS = new Set([
  32, // noSuchObject
  34, // invalidDNSyntax
  48, // inappropriateAuthentication
  49, // invalidCredentials
  53, // unwillingToPerform: locked, or no password
]);

const log = new Logger({ namespace: "@strombus/cred/ldap" });

/**
 * Checks passwords by logging in to a directory with them.
 *
 * ```ts
 * new LDAPChecker({ url: "ldaps://ldap.example.com", userDN: "uid={},ou=people,dc=example,dc=com" });
 * new LDAPChecker({ url, startTLS: true, base: "dc=example,dc=com", filter: "(mail={})", attribute: "uid" });
 * ```
 *
 * Directories find `alice` for `ALICE` too: what the realm gets is the name in the user's entry, which is read with the
 * user's own rights. What the directory cannot answer fails as a wrong password does, and is logged.
 */
export class LDAPChecker implements ICredentialsChecker {
  readonly credentialInterfaces: readonly InterfaceToken[] = [IUsernamePassword];
  readonly #options: LDAPCheckerOptions;
  readonly #directory: Directory;
  readonly #attribute: string;
  readonly #connections: WorkQueue;

  /** @throws ValueError for options that cannot be right; NotImplementedError without the package ldapts. */
  constructor(options: LDAPCheckerOptions) {
    const pattern = "userDN" in options ? options.userDN : options.filter;
    if (!pattern.includes("{}")) throw new ValueError(`${pattern} has no {} for the user's name`);
    if ("bindDN" in options && !options.bindPassword)
      throw new ValueError("who searches needs a password: bindPassword");
    this.#options = options;
    this.#attribute = options.attribute ?? "uid";
    this.#directory = new Directory(options);
    this.#connections = new WorkQueue({ concurrency: options.maxConnections ?? 16 });
  }

  /** The name as the directory has it; fails with UnauthorizedLogin. */
  requestAvatarId(credentials: IUsernamePassword): Deferred<string> {
    const { username, password } = credentials;
    return Deferred.fromPromise(this.#check(username, password));
  }

  async #check(username: string, password: string): Promise<string> {
    // A bind without a password succeeds, and proves nothing (RFC 4513 section 5.1.2).
    if (password === "") throw new UnauthorizedLogin("no password");
    if (username === "" || /[\0\p{Surrogate}]/u.test(username)) throw new UnauthorizedLogin("no user has such a name");
    let name: string | null;
    try {
      name = await this.#connections.run(async () =>
        this.#directory.converse(async (conversation) => this.#nameOf(conversation, username, password)),
      );
    } catch (error) {
      if (error instanceof UnauthorizedLogin) throw error;
      log.error("the directory could not be asked for a user: {error}", { error });
      throw new UnauthorizedLogin("the directory could not be asked", { cause: error });
    }
    if (name === null) throw new UnauthorizedLogin("unknown user or wrong password");
    return name;
  }

  /** Null if the user is unknown or the password wrong. */
  async #nameOf(conversation: Conversation, username: string, password: string): Promise<string | null> {
    const options = this.#options;
    const user =
      "userDN" in options ? fill(options.userDN, username) : await this.#find(conversation, options, username);
    // An unknown user takes as many answers as one who is known (A12).
    const dn = user ?? `cn=${randomBytes(8).toString("hex")}`;
    if (!(await isBound(conversation, dn, password)) || user === null) return null;
    const search = { scope: "base", filter: "(objectClass=*)", attributes: [this.#attribute] } as const;
    const { searchEntries } = await conversation.search(dn, { ...search, attributes: [...search.attributes] });
    const names = searchEntries.flatMap((entry) => valuesOf(entry, this.#attribute));
    if (names.length === 0) log.error("users cannot read their own {attribute}", { attribute: this.#attribute });
    return nearest(names, username);
  }

  /** The user's DN; null if there is none, or more than one. */
  async #find(conversation: Conversation, search: LDAPSearch, username: string): Promise<string | null> {
    if (search.bindDN !== undefined) await conversation.bind(search.bindDN, search.bindPassword!);
    const filter = fill(search.filter, username);
    const { searchEntries } = await conversation.search(search.base, {
      scope: "sub",
      filter,
      attributes: ["1.1"], // no attribute (RFC 4511 section 4.5.1.8)
      sizeLimit: 2,
    });
    const [entry, second] = searchEntries;
    if (second === undefined) return entry?.dn ?? null;
    log.error("the directory has more than one entry for {filter}", { filter });
    return null;
  }
}
classImplements(LDAPChecker, ICredentialsChecker);

async function isBound(conversation: Conversation, dn: string, password: string): Promise<boolean> {
  try {
    await conversation.bind(dn, password);
    return true;
  } catch (error) {
    if (REFUSALS.has((error as { code?: number }).code ?? 0)) return false;
    throw error;
  }
}

function fill(pattern: string, username: string): string {
  return pattern.replaceAll("{}", () => escapeValue(username));
}

/** The values of an attribute, whose name is written in upper or lower case. */
function valuesOf(entry: Entry, attribute: string): string[] {
  const key = Object.keys(entry).find((each) => each.toLowerCase() === attribute.toLowerCase());
  const value = key === undefined ? [] : entry[key];
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === "string" && each !== "") as string[];
}

/** Of several names the one that was given, or is so but for upper and lower case, or else the first. */
function nearest(names: readonly string[], given: string): string | null {
  const folded = given.toLowerCase();
  return (
    names.find((each) => each === given) ?? names.find((each) => each.toLowerCase() === folded) ?? names[0] ?? null
  );
}
