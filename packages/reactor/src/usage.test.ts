import { describe, expect, test } from "vitest";
import { SystemExit } from "./exceptions.js";
import { type DocRow, type FlagRow, Options, type ParameterRow, UsageError } from "./usage.js";

class Base extends Options {
  static override optFlags: FlagRow[] = [["verbose", "v", "say more"]];
  static override optParameters: ParameterRow[] = [
    ["port", "p", "22", "where to listen"],
    ["count", null, 1, "how often", Number],
  ];
}

class Sub extends Base {
  static override optParameters: ParameterRow[] = [["port", "p", "2022", "where to listen"]];
  readonly seen: string[] = [];
  words: string[] = [];
  printed = "";
  override output = { write: (text: string) => void (this.printed += text) };
  opt_add_one(value: string) {
    this.seen.push(value);
  }
  opt_q() {
    this.seen.push("q");
  }
  override parseArgs(...words: string[]) {
    this.words = words;
  }
}

function parsed(...words: string[]): Sub {
  const options = new Sub();
  options.parseOptions(words);
  return options;
}

describe("options", () => {
  test("have the defaults of all classes, a subclass's over its base's", () => {
    expect(Object.fromEntries(parsed())).toEqual({ verbose: 0, port: "2022", count: 1 });
  });

  test("are set by long name, by its beginning, and by letter", () => {
    for (const words of [["--port", "8"], ["--port=8"], ["--po=8"], ["-p", "8"], ["-p8"], ["-vp", "8"]]) {
      expect(parsed(...words).get("port"), words.join(" ")).toBe("8");
    }
    expect(parsed("-v").get("verbose")).toBe(1);
    expect(parsed("--count=3").get("count")).toBe(3);
  });

  test("that are methods get every value", () => {
    expect(parsed("--add-one", "a", "-q", "--add-one=b").seen).toEqual(["a", "q", "b"]);
  });

  test("end at the first word that is none", () => {
    expect(parsed("-v", "host", "-p", "1").words).toEqual(["host", "-p", "1"]);
    expect(parsed("--", "-v").words).toEqual(["-v"]);
  });

  test("that there are not, or that lack their value, are a UsageError", () => {
    for (const [words, message] of [
      [["-z"], "option -z not recognized"],
      [["--zoo"], "option --zoo not recognized"],
      [["--constructor"], "option --constructor not recognized"],
      [["-p"], "option -p requires argument"],
      [["--verbose=1"], "option --verbose must not have an argument"],
    ] as const) {
      expect(() => parsed(...words)).toThrow(new UsageError(message));
    }
    expect(() => new Base().parseOptions(["word"])).toThrow("Wrong number of arguments.");
  });

  test("--help prints them, and there is nothing left to do", () => {
    const options = new Sub();
    expect(() => options.parseOptions(["--help"])).toThrow(SystemExit);
    expect(options.printed).toMatch(
      /Options:\n[^]*-p, --port= +where to listen \[default: 2022\][^]*-v, --verbose +say more/,
    );
    expect(options.printed).toMatch(/^ +--help +Display this help and exit\.\n/m);
    expect(options.printed).toMatch(/^ +--version +Display the version and exit\.\n/m);
  });

  test("a method says by optDocs what it does, also where a class below overrides it", () => {
    class Base extends Options {
      static override optDocs: readonly DocRow[] = [["speed", "how fast"]];
      opt_speed(_text: string) {}
    }
    class Below extends Base {
      override opt_speed() {}
      override opt_version() {}
    }
    expect(new Below().getUsage()).toMatch(/^ +--speed +how fast\n +--version +Display the version and exit\.\n/m);
  });
});
