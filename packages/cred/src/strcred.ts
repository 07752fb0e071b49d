/** Checkers chosen on the command line: `--auth file:/etc/passwords` (twisted.cred.strcred). */
import type { InterfaceToken } from "@strombus/reactor/components";
import { SystemExit } from "@strombus/reactor/exceptions";
import { type DocRow, type Options, UsageError } from "@strombus/reactor/usage";
import type { ICredentialsChecker } from "./checkers.js";
import { InvalidAuthType, UnsupportedInterfaces } from "./strcred/errors.js";
import { findCheckerFactories, type ICheckerFactory, registerCheckerFactory } from "./strcred/factories.js";
import { theAnonymousCheckerFactory, theFileCheckerFactory, theInMemoryCheckerFactory } from "./strcred/stock.js";

export * from "./strcred/errors.js";
export { findCheckerFactories, ICheckerFactory, registerCheckerFactory } from "./strcred/factories.js";
export * from "./strcred/stock.js";

for (const each of [theAnonymousCheckerFactory, theFileCheckerFactory, theInMemoryCheckerFactory]) {
  registerCheckerFactory(each);
}

export const notSupportedWarning = "WARNING: This authType is not supported by this application.";

/** @throws InvalidAuthType */
export function findCheckerFactory(authType: string): ICheckerFactory {
  const found = findCheckerFactories().find((each) => each.authType === authType);
  if (found === undefined) throw new InvalidAuthType(authType);
  return found;
}

/**
 * The checker that a word describes: a type and, behind the first colon, what that type takes.
 *
 * ```ts
 * makeChecker("file:/etc/passwords");
 * ```
 */
export function makeChecker(description: string): ICredentialsChecker {
  const colon = description.indexOf(":");
  const [authType, argstring] =
    colon === -1 ? [description, ""] : [description.slice(0, colon), description.slice(colon + 1)];
  return findCheckerFactory(authType).generateChecker(argstring);
}

/** What {@link AuthOptionMixin} adds to the options of a program. */
export interface AuthOptions {
  /** The kinds of credentials that the program can use; null for all. */
  supportedInterfaces: readonly InterfaceToken[] | null;
  /** Where help is printed. */
  authOutput: { write(text: string): unknown };
  supportsInterface(kind: InterfaceToken): boolean;
  supportsCheckerFactory(factory: ICheckerFactory): boolean;
  /** Notes a checker under `credCheckers`, and in `credInterfaces` by kind. @throws UnsupportedInterfaces */
  addChecker(checker: ICredentialsChecker): void;
  opt_auth(description: string): void;
  opt_help_auth(): void;
  opt_help_auth_type(authType: string): void;
  _checkerFactoriesForOptHelpAuth(): ICheckerFactory[];
}

/**
 * Adds `--auth`, `--help-auth` and `--help-auth-type` to a class of options.
 *
 * ```ts
 * class ServerOptions extends AuthOptionMixin(Options) {
 *   override supportedInterfaces = [IUsernamePassword];
 * }
 * const checkers = options.get("credCheckers") as ICredentialsChecker[];
 * ```
 */
export function AuthOptionMixin<B extends new () => Options>(
  Base: B,
): (new () => InstanceType<B> & AuthOptions) & Pick<B, keyof B> {
  // @ts-expect-error -- a mixin's constructor takes what its base takes, which TypeScript asks to be any
  abstract class WithAuth extends Base implements AuthOptions {
    static optDocs: readonly DocRow[] = [
      ["auth", "Specify an authentication method for the server."],
      ["help-auth", "Show all authentication methods available."],
      ["help-auth-type", "Show help for a particular authentication method."],
    ];

    supportedInterfaces: readonly InterfaceToken[] | null = null;
    authOutput: { write(text: string): unknown } = process.stdout;

    supportsInterface(kind: InterfaceToken): boolean {
      return this.supportedInterfaces?.includes(kind) ?? true;
    }

    supportsCheckerFactory(factory: ICheckerFactory): boolean {
      return factory.credentialInterfaces.some((kind) => this.supportsInterface(kind));
    }

    addChecker(checker: ICredentialsChecker): void {
      const kinds = [...checker.credentialInterfaces];
      const supported = kinds.filter((kind) => this.supportsInterface(kind));
      if (supported.length === 0) throw new UnsupportedInterfaces(kinds);
      const byKind = (this.get("credInterfaces") ?? new Map()) as Map<InterfaceToken, ICredentialsChecker[]>;
      for (const kind of supported) byKind.set(kind, [...(byKind.get(kind) ?? []), checker]);
      this.set("credInterfaces", byKind);
      this.set("credCheckers", [...((this.get("credCheckers") ?? []) as ICredentialsChecker[]), checker]);
    }

    /** Specify an authentication method for the server. */
    opt_auth(description: string): void {
      try {
        this.addChecker(makeChecker(description));
      } catch (cause) {
        const { message } = cause as Error;
        if (cause instanceof UnsupportedInterfaces)
          throw new UsageError(`Auth plugin not supported: ${message}`, { cause });
        if (cause instanceof InvalidAuthType) throw new UsageError(`Auth plugin not recognized: ${message}`, { cause });
        throw new UsageError(`Unexpected error: ${message}`, { cause });
      }
    }

    /** Show all authentication methods available. */
    opt_help_auth(): void {
      const factories = this._checkerFactoriesForOptHelpAuth();
      const heads = ["AuthType", "ArgString format"] as const;
      const width = Math.max(...[heads[0], ...factories.map(({ authType }) => authType)].map(({ length }) => length));
      const row = (left: string, right: string): string => `  ${left.padEnd(width)}\t${right}\n`;
      this.authOutput.write("Usage: --auth AuthType[:ArgString]\n");
      this.authOutput.write("For detailed help: --help-auth-type AuthType\n\n");
      this.authOutput.write(row(...heads));
      this.authOutput.write(row("=".repeat(heads[0].length), "=".repeat(heads[1].length)));
      for (const { authType, argStringFormat } of factories) this.authOutput.write(row(authType, argStringFormat));
      this.authOutput.write("\n");
      throw new SystemExit(0);
    }

    /** Show help for a particular authentication method. */
    opt_help_auth_type(authType: string): void {
      const factory = findCheckerFactories().find((each) => each.authType === authType);
      if (factory === undefined) throw new UsageError(`Invalid auth type: ${authType}`);
      this.authOutput.write(`Usage: --auth ${authType}[:ArgString]\n`);
      this.authOutput.write(`ArgString format: ${factory.argStringFormat}\n\n`);
      for (const line of factory.authHelp.trim().split("\n")) this.authOutput.write(`  ${line.trim()}\n`);
      this.authOutput.write("\n");
      if (!this.supportsCheckerFactory(factory)) this.authOutput.write(`  ${notSupportedWarning}\n\n`);
      throw new SystemExit(0);
    }

    _checkerFactoriesForOptHelpAuth(): ICheckerFactory[] {
      return findCheckerFactories().filter((each) => this.supportsCheckerFactory(each));
    }
  }
  return WithAuth as unknown as (new () => InstanceType<B> & AuthOptions) & Pick<B, keyof B>;
}
