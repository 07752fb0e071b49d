import { Deferred } from "@strombus/reactor/defer";
import { StringTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { ServerProtocol } from "./insults/insults.js";
import {
  ColoredManhole,
  FileWrapper,
  lastColorizedLine,
  Manhole,
  ManholeInterpreter,
  type Namespace,
  VT102Writer,
} from "./manhole.js";
import { isIncomplete } from "./manhole/completeness.js";
import { screenOf } from "./recvline/screen.test.support.js";

/** What has been said, and whether it was asked for. */
function interpreter(namespace: Namespace = {}) {
  const said: string[] = [];
  const made = new ManholeInterpreter(
    { addOutput: (data, isAsync) => said.push(isAsync ? `async ${data}` : data) },
    namespace,
  );
  return { made, said, run: (line: string) => (made.push(line), said.splice(0).join("")) };
}

describe("the interpreter", () => {
  // what is typed, what is said
  for (const [line, expected] of [
    ["1 + 1", "2\n"],
    ["undefined", ""],
    ["", ""],
    ["null", "null\n"],
    ["'a\\n'", "'a\\n'\n"],
    ["({ a: 1 })", "{ a: 1 }\n"],
    ["{ a: 1 }", "{ a: 1 }\n"],
    ["{ let a = 1; a + 1 }", "2\n"],
    ["{ 3 };", "3\n"],
    ["throw new Error('foo bar baz')", "Uncaught Error: foo bar baz\n"],
    ["throw 3", "Uncaught 3\n"],
    ["throw null", "Uncaught null\n"],
    ["nothing", "Uncaught ReferenceError: nothing is not defined\n"],
    ["x y", "Uncaught SyntaxError: Unexpected identifier 'y'\n"],
    ["'abc", "Uncaught SyntaxError: Invalid or unexpected token\n"],
    ["new Proxy({}, { get() { throw 1 } })", "Proxy [ {}, { get: [Function: get] } ]\n"],
    ["({ [Symbol.for('nodejs.util.inspect.custom')]() { throw 1 } })", "Uncaught 1\n"],
    ["console.log('%s', 'hi')", "hi\n"],
    ["typeof require('node:os').hostname", "'function'\n"],
    ["typeof setTimeout + typeof Buffer + typeof process", "'functionfunctionobject'\n"],
    ["[] instanceof Array", "true\n"],
  ] as const) {
    test(JSON.stringify(line), () => expect(interpreter().run(line)).toBe(expected));
  }

  test("keeps the last value and what is declared, in a context of its own", () => {
    const [one, other] = [interpreter({ foo: "bar" }), interpreter()];
    expect(one.run("foo")).toBe("'bar'\n");
    expect(one.run("_ + 1")).toBe("'bar1'\n");
    one.run("let x = 1; globalThis.y = 2; foo = 3");
    expect(one.run("[x, y, foo]")).toBe("[ 1, 2, 3 ]\n");
    expect(other.run("[typeof x, typeof y, typeof foo]")).toBe("[ 'undefined', 'undefined', 'undefined' ]\n");
    expect("y" in globalThis).toBe(false);
  });

  test("asks for more until a statement is whole, and drops one that is wrong", () => {
    const { made, run } = interpreter();
    for (const lines of [
      ["function foo(bar) {", "  return bar;", "}", "foo(42)"],
      ["class Foo {", "  foo() { return 42 }", "}", "new Foo().foo()"],
      ["{ a: 42,", "  b: 1 }.a", "42"],
      ["[42,", "][0]"],
    ]) {
      made.resetBuffer();
      run(lines[0]!);
      expect(made.buffer).toEqual([lines[0]]);
      expect(lines.slice(1).map(run).at(-1)).toBe("42\n");
      expect(made.buffer).toEqual([]);
    }
    run("(");
    made.resetBuffer();
    expect(run("1")).toBe("1\n");
    run("(");
    expect(run("1 2")).toContain("SyntaxError");
    expect(made.buffer).toEqual([]);
  });

  test("a statement has its limit in characters, and in time", () => {
    const { made, run } = interpreter();
    run("`");
    run("x".repeat(65_000));
    expect(made.buffer).toHaveLength(2);
    expect(run("x".repeat(1000))).toBe("a statement of more than 65536 characters\n");
    expect(made.buffer).toEqual([]);
    expect(made.timeout).toBe(10_000);
    made.timeout = 20;
    expect(run("for (;;);")).toContain("Script execution timed out");
    made.timeout = null;
    expect(run("1")).toBe("1\n");
  });

  test("tells of a Deferred, and later of its end, which goes on to others", () => {
    const [good, bad] = [new Deferred<string>(), new Deferred()];
    const { run, said, made } = interpreter({ good, bad, fired: new Deferred() });
    expect(run("good")).toBe("<Deferred #0>\n");
    expect(run("good")).toBe("<Deferred #0>\n");
    expect(run("bad")).toBe("<Deferred #1>\n");
    good.callback("Hi!");
    bad.errback(new Error("no"));
    expect(said.splice(0)).toEqual(["async Deferred #0 called back: 'Hi!'\n", "async Deferred #1 failed: 'no'\n"]);
    let seen: unknown;
    good.addCallback((value) => (seen = value));
    bad.addErrback((failure) => (seen = [seen, failure.getErrorMessage()]));
    expect(seen).toEqual(["Hi!", "no"]);
    expect(run("good")).not.toContain("#");
    expect(made.numDeferreds).toBe(2);
  });

  test("tells of promises as of Deferreds, and of a failure nobody else hears", async () => {
    const { run, said } = interpreter();
    expect(run("Promise.resolve(5)")).toBe("<Deferred #0>\n");
    expect(run("Promise.reject(new Error('no'))")).toBe("<Deferred #1>\n");
    await Promise.resolve();
    await Promise.resolve();
    expect(said).toEqual(["async Deferred #0 called back: 5\n", "async Deferred #1 failed: 'no'\n"]);
  });
});

describe("what does not compile", () => {
  for (const source of [
    "(",
    "foo(1",
    "foo(1,",
    "[1",
    "{",
    "`abc",
    "`a${",
    "`a${b",
    "/* abc",
    "foo(1 /*",
    "'abc\\",
    "foo('abc\\",
    '"abc\\',
    "1 +",
    "x =>",
    "a.",
    "if (x",
    "try {",
    "try {}",
    "class A {",
    "new",
    "foo(`",
    "do {}",
  ]) {
    test(`${source} is to be continued`, () => expect(isIncomplete(source)).toBe(true));
  }
  for (const source of [
    "x y",
    "x y (",
    "foo(1 2",
    "'abc",
    '"',
    "foo('abc",
    "[1 2",
    "else",
    ")",
    "@",
    "return",
    "/abc",
  ]) {
    test(`${source} is wrong`, () => expect(isIncomplete(source)).toBe(false));
  }
});

test("a file wrapper prints lines of either kind", () => {
  const said: string[] = [];
  const file = new FileWrapper({ addOutput: (data) => said.push(data) });
  file.write("a\r\nb");
  file.writelines(["c\n", "d"]);
  file.flush();
  expect(said).toEqual(["a\nb", "c\nd"]);
});

const [CTRL_A, CTRL_C, CTRL_D, CTRL_E, CTRL_L, QUIT] = ["\x01", "\x03", "\x04", "\x05", "\x0c", "\x1c"];

for (const type of [Manhole, ColoredManhole]) {
  const manhole = (namespace?: Namespace) => screenOf(new ServerProtocol(type, namespace));

  describe(`the screen of a ${type.name}`, () => {
    for (const [name, typed, ...rows] of [
      ["an expression", "1 + 1\n", ">>> 1 + 1", "2"],
      ["a literal over two lines", "`\n`\n", ">>> `", "... `", "'\\n'"],
      [
        "a function, indented by a tab",
        "function foo(bar) {\n\tconsole.log(bar)\n}\nfoo(42)\n",
        ">>> function foo(bar) {",
        "...     console.log(bar)",
        "... }",
        ">>> foo(42)",
        "42",
      ],
      [
        "a class",
        "class Foo {\n bar() { console.log('Hello, world!') }\n}\nnew Foo().bar()\n",
        ">>> class Foo {",
        "...  bar() { console.log('Hello, world!') }",
        "... }",
        ">>> new Foo().bar()",
        "Hello, world!",
      ],
      [
        "an exception",
        "throw new Error('foo bar baz')\n",
        ">>> throw new Error('foo bar baz')",
        "Uncaught Error: foo bar baz",
      ],
      ["Ctrl-C", `cancelled line${CTRL_C}`, ">>> cancelled line", "KeyboardInterrupt"],
      ["Ctrl-C in a statement", `(\nthings${CTRL_C}`, ">>> (", "... things", "KeyboardInterrupt"],
      ["Ctrl-D in a line", `1 + 2${CTRL_D}\n`, ">>> 1 + 2", "3"],
      ["Ctrl-A and Ctrl-E", `rint "hello${CTRL_A}p${CTRL_E}"`, '>>> print "hello"done'],
      ["what has no newline at its end", "write('x')\n", ">>> write('x')", "x"],
    ] as const) {
      test(`shows ${name}`, () => {
        const {
          type: keys,
          text,
          server,
        } = manhole({
          write: (data: string) => (server.terminalProtocol as Manhole).addOutput(data),
        });
        keys(`${typed}done`);
        expect(text()).toBe(typed.endsWith('"') ? rows.join("\n") : [...rows, ">>> done"].join("\n"));
      });
    }

    test("Ctrl-L leaves the line, on which typing goes on", () => {
      const { type: keys, text } = manhole();
      keys(`1\n23${CTRL_L}4`);
      expect(text()).toBe(">>> 234");
    });

    test("Ctrl-D at an empty line, and Ctrl-\\ anywhere, end it with an empty screen", () => {
      for (const last of [CTRL_D, `half a line${QUIT}`]) {
        const { type: keys, text, transport } = manhole();
        keys(`1\n${last}`);
        expect([text(), transport.disconnecting]).toEqual(["", true]);
      }
    });

    test("what comes later goes above the line that is being typed", () => {
      const deferred = new Deferred<string>();
      const { type: keys, text } = manhole({ deferred });
      keys("deferred\nhalf a line\x1b[D\x1b[D");
      deferred.callback("Hi!");
      keys("X");
      expect(text()).toBe(
        [">>> deferred", "<Deferred #0>", "Deferred #0 called back: 'Hi!'", ">>> half a liXne"].join("\n"),
      );
    });

    test("nothing comes after its end", () => {
      const deferred = new Deferred<string>();
      const { type: keys, text, server } = manhole({ deferred });
      keys("deferred\n");
      const before = text();
      void server.connectionLost();
      deferred.callback("Hi!");
      expect(text()).toBe(before);
    });
  });
}

test("each connection has a copy of the namespace", () => {
  const namespace = { a: 1 };
  const [one, other] = [
    screenOf(new ServerProtocol(Manhole, namespace)),
    screenOf(new ServerProtocol(Manhole, namespace)),
  ];
  one.type("a = 2\n");
  other.type("a\n");
  expect(other.text()).toBe(">>> a\n1\n>>>");
  expect(namespace).toEqual({ a: 1 });
});

test("Ctrl-C drops the statement", () => {
  const { server, type } = screenOf(new ServerProtocol(Manhole));
  type(`(\n${CTRL_C}`);
  const { interpreter } = server.terminalProtocol as Manhole;
  expect(interpreter.buffer).toEqual([]);
});

describe("bytes", () => {
  function bytes(type: typeof Manhole, namespace?: Namespace) {
    const transport = new StringTransport();
    const server = new ServerProtocol(type, namespace);
    void server.makeConnection(transport);
    return (keys: string) => {
      transport.clear();
      void server.dataReceived(Buffer.from(keys));
      return transport.value().toString();
    };
  }

  test("of a line, and of one in colours", () => {
    expect(bytes(Manhole)("1+1\r")).toBe("1+1\r\n2\r\n>>> ");
    expect(bytes(ColoredManhole)("a")).toBe("\x1b[2K\x1b[4D>>> \x1b[1;33ma\x1b[0m");
    const type = bytes(ColoredManhole);
    type("a");
    expect(type(" ")).toBe(" ");
  });

  test("of a Deferred that fires at an empty prompt", () => {
    const deferred = new Deferred<number>();
    const transport = new StringTransport();
    const server = new ServerProtocol(Manhole, { deferred });
    void server.makeConnection(transport);
    void server.dataReceived(Buffer.from("deferred\r"));
    transport.clear();
    deferred.callback(5);
    expect(transport.value().toString()).toBe("\x1b[2K\x1b[4DDeferred #0 called back: 5\r\n>>> ");
  });
});

describe("colours", () => {
  const c = (color: string, text: string) => `\x1b[${color}m${text}\x1b[0m`;

  // the source, its last line
  for (const [source, expected] of [
    ["1", c("36", "1")],
    ["'a'", c("35", "'a'")],
    ['"é"', c("35", '"é"')],
    ["`a`", c("35", "`") + c("35", "a`")],
    ["`a${b}c`", c("35", "`") + c("35", "a${") + c("1;33", "b") + c("37", "}") + c("35", "c`")],
    ["`a\nb`", c("35", "b`")],
    ["/* a\nb */ c", `b */ ${c("1;33", "c")}`],
    ["a // b", `${c("1;33", "a")} // b`],
    ["'open", c("35", "'open")],
    ["function foo(bar", [c("32", "function"), " ", c("31", "foo"), c("37", "("), c("33", "bar")].join("")],
    ["class Foo extends Bar", [c("32", "class"), c("31", "Foo"), c("32", "extends"), c("1;33", "Bar")].join(" ")],
    ["a+b", c("1;33", "a") + c("37", "+") + c("1;33", "b")],
    ["", ""],
  ] as const) {
    test(JSON.stringify(source), () => {
      expect(lastColorizedLine(source)).toBe(expected);
      expect(lastColorizedLine(Buffer.from(source))).toBe(expected);
    });
  }

  test("a writer skips what is empty, and knows colours by type", () => {
    const writer = new VT102Writer();
    for (const token of ["", "\r", "a\n", "b"]) writer.write(token);
    writer.write("c", "number");
    expect([writer.toString(), writer.color("keyword"), writer.color(null)]).toEqual([`b${c("36", "c")}`, "32", null]);
  });

  test("a statement of many lines is coloured by all of them, and its source is known", () => {
    const { type, server, screen } = screenOf(new ServerProtocol(ColoredManhole));
    type("`\nabc");
    expect((server.terminalProtocol as ColoredManhole).getSource()).toBe("`\nabc");
    expect(screen.getCharacter(4, 1)![1].foreground).toBe(5);
    type("`\nabc");
    expect(screen.getCharacter(4, 3)![1].foreground).toBe(3);
  });
});
