import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { interfaceToken, providedBy } from "@strombus/reactor/components";
import { SystemExit, ValueError } from "@strombus/reactor/exceptions";
import { Options, UsageError } from "@strombus/reactor/usage";
import { describe, expect, test } from "vitest";
import { AllowAnonymousAccess, FilePasswordDB, InMemoryUsernamePasswordDatabaseDontUse } from "./checkers.js";
import { IAnonymous, IUsernameHashedPassword, IUsernamePassword, UsernamePassword } from "./credentials.js";
import {
  AuthOptionMixin,
  findCheckerFactories,
  findCheckerFactory,
  ICheckerFactory,
  InvalidAuthArgumentString,
  InvalidAuthType,
  invalidFileWarning,
  makeChecker,
  notSupportedWarning,
  StrcredException,
  theAnonymousCheckerFactory,
  theFileCheckerFactory,
  theInMemoryCheckerFactory,
  UnsupportedInterfaces,
} from "./strcred.js";

class Program extends AuthOptionMixin(Options) {
  printed = "";
  override authOutput = { write: (text: string) => void (this.printed += text) };
}

function program(...words: string[]): Program {
  const options = new Program();
  options.parseOptions(words);
  return options;
}

/** What a program that supports only these prints and ends with. */
function printedBy(words: string[], supported: Program["supportedInterfaces"] = null): string {
  const options = new Program();
  options.supportedInterfaces = supported;
  expect(() => options.parseOptions(words)).toThrow(SystemExit);
  return options.printed;
}

describe("makeChecker", () => {
  test("makes the stock checkers", async () => {
    expect(makeChecker("anonymous")).toBeInstanceOf(AllowAnonymousAccess);
    const memory = makeChecker("memory:ann:secret:bob:other");
    expect(memory).toBeInstanceOf(InMemoryUsernamePasswordDatabaseDontUse);
    expect(await memory.requestAvatarId(new UsernamePassword("bob", "other"))).toBe("bob");
    expect(makeChecker("memory:")).toBeInstanceOf(InMemoryUsernamePasswordDatabaseDontUse);
    expect(() => makeChecker("memory:ann")).toThrow(InvalidAuthArgumentString);
  });

  test("a file's path may have colons, and one that is not there is complained of", () => {
    const folder = mkdtempSync(join(tmpdir(), "strcred-"));
    const file = join(folder, "a:b");
    writeFileSync(file, "ann:secret\n");
    let complaints = "";
    const { errorOutput } = theFileCheckerFactory;
    theFileCheckerFactory.errorOutput = { write: (text) => void (complaints += text) };
    try {
      const checker = makeChecker(`file:${file}`);
      expect(checker).toBeInstanceOf(FilePasswordDB);
      expect(checker).toMatchObject({ filename: file });
      expect(complaints).toBe("");
      makeChecker("file:/no such file");
      expect(complaints).toBe("Warning: not a valid file: /no such file\n");
    } finally {
      theFileCheckerFactory.errorOutput = errorOutput;
      rmSync(folder, { recursive: true });
    }
    for (const description of ["file", "file:", "file: "]) {
      expect(() => makeChecker(description)).toThrow(new ValueError("'file' requires a filename"));
    }
  });

  test("an unknown type is an InvalidAuthType", () => {
    for (const type of ["unknown", "", "__proto__"]) {
      expect(() => makeChecker(`${type}:x`)).toThrow(InvalidAuthType);
      expect(() => findCheckerFactory(type)).toThrow(InvalidAuthType);
    }
  });
});

describe("--auth", () => {
  test("adds a checker each time, to the list and under its kinds", () => {
    expect(program("--auth", "memory", "--auth", "memory").get("credCheckers")).toHaveLength(2);
    const options = program("--auth", "memory", "--auth", "anonymous");
    const byKind = options.get("credInterfaces") as Map<unknown, unknown[]>;
    expect([...byKind].map(([kind, checkers]) => [kind, checkers.length])).toEqual([
      [IUsernamePassword, 1],
      [IUsernameHashedPassword, 1],
      [IAnonymous, 1],
    ]);
  });

  test("tells what is wrong", () => {
    expect(() => program("--auth", "unknown:x")).toThrow(new UsageError("Auth plugin not recognized: unknown"));
    expect(() => program("--auth", "file")).toThrow(new UsageError("Unexpected error: 'file' requires a filename"));
    const options = new Program();
    options.supportedInterfaces = [IAnonymous];
    const expected = "Auth plugin not supported: IUsernamePassword, IUsernameHashedPassword";
    expect(() => options.parseOptions(["--auth", "memory"])).toThrow(new UsageError(expected));
  });

  test("a checker of several kinds is noted under those that the program supports", () => {
    const options = new Program();
    options.supportedInterfaces = [IUsernamePassword];
    options.addChecker(new InMemoryUsernamePasswordDatabaseDontUse());
    expect([...(options.get("credInterfaces") as Map<unknown, unknown>).keys()]).toEqual([IUsernamePassword]);
    options.supportedInterfaces = [];
    expect(() => options.addChecker(new AllowAnonymousAccess())).toThrow(UnsupportedInterfaces);
  });
});

describe("what a program supports", () => {
  test("is everything, nothing, or the very kinds that it names", () => {
    const IPlainPassword = interfaceToken("IPlainPassword", [IUsernamePassword]);
    const options = new Program();
    expect(options.supportedInterfaces).toBeNull();
    expect(options.supportsInterface(IPlainPassword)).toBe(true);
    options.supportedInterfaces = [];
    expect(options.supportsInterface(IUsernamePassword)).toBe(false);
    options.supportedInterfaces = [IUsernamePassword];
    expect(options.supportsInterface(IUsernamePassword)).toBe(true);
    expect(options.supportsInterface(IPlainPassword)).toBe(false);
    const supported = findCheckerFactories().filter((each) => options.supportsCheckerFactory(each));
    expect(supported.map(({ authType }) => authType)).toEqual(expect.arrayContaining(["file", "memory"]));
    expect(supported.map(({ authType }) => authType)).not.toContain("anonymous");
  });

  test("decides under what a checker is noted, once in the list of all", () => {
    const options = new Program();
    options.supportedInterfaces = [IUsernamePassword];
    const checker = new InMemoryUsernamePasswordDatabaseDontUse();
    options.addChecker(checker);
    expect(options.get("credCheckers")).toEqual([checker]);
    expect(options.get("credInterfaces")).toEqual(new Map([[IUsernamePassword, [checker]]]));
  });

  test("help goes to standard output, unless the program says otherwise", () => {
    expect(new (AuthOptionMixin(Options))().authOutput).toBe(process.stdout);
  });
});

test("every error of strcred is a StrcredException, which its programs catch", () => {
  for (const error of [new InvalidAuthType(), new InvalidAuthArgumentString(), new UnsupportedInterfaces([])]) {
    expect(error).toBeInstanceOf(StrcredException);
  }
});

test("the stock factories are what their names say", () => {
  for (const [factory, authType, kinds] of [
    [theAnonymousCheckerFactory, "anonymous", [IAnonymous]],
    [theFileCheckerFactory, "file", [IUsernamePassword, IUsernameHashedPassword]],
    [theInMemoryCheckerFactory, "memory", [IUsernamePassword, IUsernameHashedPassword]],
  ] as const) {
    expect(findCheckerFactory(authType)).toBe(factory);
    expect(providedBy(ICheckerFactory, factory)).toBe(true);
    expect(factory.credentialInterfaces).toEqual(kinds);
  }
  expect(makeChecker("anonymous:whatever")).toBeInstanceOf(AllowAnonymousAccess);
  expect(theFileCheckerFactory.errorOutput).toBe(process.stderr);
  expect(invalidFileWarning).toBe("Warning: not a valid file");
});

describe("help", () => {
  test("--help says what the options for checkers do", () => {
    class Program extends AuthOptionMixin(Options) {}
    const usage = new Program().getUsage();
    expect(usage).toMatch(/^ +--auth= +Specify an authentication method for the server\.$/m);
    expect(usage).toMatch(/^ +--help-auth +Show all authentication methods available\.$/m);
    expect(usage).toMatch(/^ +--help-auth-type= +Show help for a particular authentication method\.$/m);
  });

  test("--help-auth lists every factory once, in a table", () => {
    const printed = printedBy(["--help-auth"]);
    const rows = printed.split("\n").filter((line) => line.includes("\t"));
    expect(rows[0]).toMatch(/^ {2}AuthType *\tArgString format$/);
    expect(rows[1]).toMatch(/^ {2}======== *\t================$/);
    const types = findCheckerFactories().map(({ authType }) => authType);
    expect(types.slice(0, 3)).toEqual(["anonymous", "file", "memory"]);
    expect(rows.slice(2).map((row) => row.trim().split(/\s+/)[0])).toEqual(types);
    expect(printed).toContain("--help-auth-type");
  });

  test("--help-auth is a line on how to use it, one on where there is more, and the table", () => {
    const printed = printedBy(["--help-auth"], [IAnonymous]);
    expect(printed).toBe(
      [
        "Usage: --auth AuthType[:ArgString]",
        "For detailed help: --help-auth-type AuthType",
        "",
        "  AuthType \tArgString format",
        "  ======== \t================",
        "  anonymous\tNo argstring required.",
        "",
        "",
      ].join("\n"),
    );
  });

  test("--help-auth-type indents each line of the help", () => {
    const [usage, format, ...help] = printedBy(["--help-auth-type", "file"]).split("\n");
    expect([usage, format]).toEqual([
      "Usage: --auth file[:ArgString]",
      "ArgString format: Location of a FilePasswordDB-formatted file.",
    ]);
    expect(help).toEqual([
      "",
      "  Checks passwords against a file with lines of the form name:password.",
      "  ",
      "  The argument is its path.",
      "",
      "",
    ]);
  });

  test("--help-auth lists what the program supports", () => {
    const printed = printedBy(["--help-auth"], [IAnonymous]);
    expect(printed).toContain("anonymous");
    expect(printed).not.toContain("memory");
  });

  test("--help-auth-type tells more of one, and whether the program can use it", () => {
    const printed = printedBy(["--help-auth-type", "anonymous"]);
    expect(printed).toContain("ArgString format: No argstring required.");
    expect(printed).not.toContain(notSupportedWarning);
    expect(printedBy(["--help-auth-type", "anonymous"], [IUsernamePassword])).toContain(notSupportedWarning);
    expect(() => program("--help-auth-type", "unknown")).toThrow(new UsageError("Invalid auth type: unknown"));
  });
});
