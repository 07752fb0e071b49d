import { AssertionError, IndexError, ValueError } from "@strombus/reactor/exceptions";
import { StringTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { TerminalBuffer } from "./helper.js";
import { FUNCTION_KEYS, ServerProtocol } from "./insults.js";
import {
  AbsoluteBox,
  Border,
  BoundedTerminalWrapper,
  Button,
  Canvas,
  ContainerWidget,
  cursor,
  HBox,
  horizontalLine,
  HorizontalScrollbar,
  Packer,
  PasswordInput,
  rectangle,
  ScrolledArea,
  Selection,
  type SizeHint,
  type Surface,
  TextInput,
  TextOutput,
  TextOutputArea,
  TopWindow,
  TRUNCATE,
  VBox,
  verticalLine,
  VerticalScrollbar,
  Viewport,
  Widget,
  WRAP,
  YieldFocus,
} from "./window.js";

const { TAB, BACKSPACE, UP_ARROW, DOWN_ARROW, LEFT_ARROW, RIGHT_ARROW, PGUP, PGDN } = ServerProtocol;

function nothing(): void {}

/** What is written to the terminal of a client. */
function bytes(draw: (terminal: ServerProtocol) => void): string {
  const transport = new StringTransport();
  const server = new ServerProtocol();
  void server.makeConnection(transport);
  draw(server);
  return transport.value().toString();
}

function blankScreen(width: number, height: number): TerminalBuffer {
  const screen = Object.assign(new TerminalBuffer(), { width, height });
  screen.reset();
  return screen;
}

/** The rows of the screen, which is larger than the widget by a column and a row: there is nothing there. */
function drawn(widget: Widget, width: number, height: number, screen = blankScreen(width + 1, height + 1)): string[] {
  widget.redraw(width, height, screen);
  const rows = screen.lines.map((row) => row.map(([ch]) => ch || " ").join(""));
  expect(rows.pop()).toBe(" ".repeat(width + 1));
  expect(rows.map((row) => row.at(-1)).join("")).toBe(" ".repeat(height));
  return rows.map((row) => row.slice(0, -1));
}

/** Which cells of a row are in reverse, as `#`. */
function reversed(screen: TerminalBuffer, y: number): string {
  return screen.lines[y]!.map(([, attribute]) => (attribute.reverseVideo ? "#" : ".")).join("");
}

function type(widget: Widget, keys: Iterable<string>): void {
  for (const key of keys) void widget.keystrokeReceived(key, null);
}

class Focusable extends Widget {
  readonly keys: (string | null)[] = [];
  override characterReceived(keyID: string, modifier: string | null): void {
    this.keys.push(keyID, modifier);
  }
}

class Refusing extends Widget {
  override focusReceived(): void {
    throw new YieldFocus();
  }
}

/** A window whose paints happen when they are told to. */
function window(...children: Widget[]) {
  const scheduled: (() => void)[] = [];
  let paints = 0;
  const top = new TopWindow(
    () => (paints += 1),
    (paint) => scheduled.push(paint),
  );
  for (const child of children) top.addChild(child);
  return {
    top,
    scheduled,
    paints: () => paints,
    paint: () => {
      for (const paint of scheduled.splice(0)) paint();
    },
  };
}

describe("a window", () => {
  test("is painted once for all that changed, and again for what changes then", () => {
    const { top, scheduled, paints, paint } = window();
    top.repaint();
    top.repaint();
    expect([scheduled.length, paints()]).toEqual([1, 0]);
    paint();
    expect(paints()).toBe(1);
    top.repaint();
    expect(scheduled.length).toBe(1);
  });

  test("is painted when something deep in it changes, also after a painter has failed", () => {
    const output = new TextOutput();
    const box = new VBox();
    box.addChild(output);
    const scheduled: (() => void)[] = [];
    const fails = (): void => {
      throw new Error("no paint");
    };
    const top = new TopWindow(fails, (paint) => scheduled.push(paint));
    top.addChild(box);
    expect(() => scheduled.pop()!()).toThrow("no paint");
    output.setText("text");
    expect(scheduled.length).toBe(1);
  });

  test("draws again only what has changed", () => {
    const [one, other] = [new TextOutput([3, 1]), new TextOutput([3, 1])];
    const box = new HBox();
    box.addChild(one);
    box.addChild(other);
    const { top } = window(box);
    bytes((terminal) => top.draw(6, 1, terminal));
    other.setText("new");
    expect(bytes((terminal) => top.draw(6, 1, terminal))).toBe("\x1b[1;4Hnew");
    expect(bytes((terminal) => top.draw(6, 1, terminal))).toBe("");
  });

  test("is not larger than any screen is, whatever a client says of its own", () => {
    const canvas = new Canvas();
    const { top } = window(canvas);
    bytes((terminal) => top.draw(10_000, 10_000, terminal));
    expect([canvas.width, canvas.height]).toEqual([1000, 300]);
  });

  test("blanks what of it nobody draws any more", () => {
    const [label, dialog] = [new TextOutput([5, 1]), new Border(new Button("yes", nothing))];
    const { top } = window(label);
    label.setText("label");
    const screen = blankScreen(8, 4);
    top.addChild(dialog);
    drawn(top, 7, 3, screen);
    expect(screen.toString()).toContain("yes");
    top.remChild(dialog);
    expect(drawn(top, 7, 3, screen).map((row) => row.trimEnd())).toEqual(["label", "", ""]);
  });
});

describe("focus", () => {
  test("is the first child's that will have it, goes on by tab, and from the last to the first", () => {
    const [refusing, one, two] = [new Refusing(), new Focusable(), new Focusable()];
    const { top } = window(refusing, one, two);
    expect([top.focusedChild, one.focused, two.focused]).toEqual([one, true, false]);
    type(top, [TAB]);
    expect([top.focusedChild, one.focused, two.focused]).toEqual([two, false, true]);
    type(top, [TAB]);
    expect([top.focusedChild, one.focused, two.focused]).toEqual([one, true, false]);
  });

  test("is nobody's where nobody will have it", () => {
    const { top } = window(new Refusing());
    type(top, [TAB, "x", TAB]);
    expect(top.focusedChild).toBeNull();
    const container = new ContainerWidget();
    expect(() => container.focusReceived()).toThrow(YieldFocus);
    expect(container.focused).toBe(false);
    expect(() => container.changeFocus()).toThrow(YieldFocus);
    expect(() => container.keystrokeReceived(TAB, null)).toThrow(YieldFocus);
  });

  test("goes through the boxes in boxes, and keys go where it is", () => {
    const leaves = [new Focusable(), new Focusable(), new Focusable()] as const;
    const [left, right] = [new VBox(), new VBox()];
    left.addChild(leaves[0]);
    left.addChild(new Border(leaves[1]));
    right.addChild(leaves[2]);
    const box = new HBox();
    box.addChild(left);
    box.addChild(right);
    const { top } = window(box);
    type(top, ["a", TAB, "b", TAB, "c", TAB, "d"]);
    void top.keystrokeReceived("e", "[ALT]");
    expect(leaves.map(({ keys }) => keys)).toEqual([
      ["a", null, "d", null, "e", "[ALT]"],
      ["b", null],
      ["c", null],
    ]);
    expect([left.focused, right.focused]).toEqual([true, false]);
  });

  test("leaves what is in a box together with the box", () => {
    const [box, leaf] = [new HBox(), new Focusable()];
    box.addChild(leaf);
    box.focusReceived();
    box.focusLost();
    expect([leaf.focused, box.focused, box.focusedChild]).toEqual([false, false, null]);
  });

  test("is given up by a callback that throws YieldFocus", () => {
    const yields = (): never => {
      throw new YieldFocus();
    };
    const other = new Focusable();
    const box = new HBox();
    box.addChild(new Button("next", yields));
    box.addChild(other);
    type(window(box).top, ["\r"]);
    expect(other.focused).toBe(true);
  });

  test("is taken in a box that is filled after it was added, however deep", () => {
    const [box, inner, leaf] = [new HBox(), new VBox(), new Focusable()];
    const { top } = window(box);
    box.addChild(inner);
    inner.addChild(leaf);
    expect([leaf.focused, inner.focused, box.focused, top.focusedChild]).toEqual([true, true, true, box]);
    const late = new Focusable();
    inner.addChild(late);
    expect(late.focused).toBe(false);
  });

  test("moves on when its child is removed", () => {
    const [one, two] = [new Focusable(), new Focusable()];
    const { top } = window(one, two);
    top.remChild(one);
    expect([one.parent, one.focused, top.focusedChild, two.focused]).toEqual([null, false, two, true]);
    top.remChild(two);
    expect(top.focusedChild).toBeNull();
    top.addChild(one);
    expect(one.focused).toBe(true);
  });

  test("a widget has one parent, and is no part of itself", () => {
    const box = new HBox();
    const child = new Widget();
    box.addChild(child);
    for (const wrong of [
      () => new VBox().addChild(child),
      () => new Border(child),
      () => new ScrolledArea(child),
      () => box.addChild(box),
      () => box.remChild(new Widget()),
    ]) {
      expect(wrong).toThrow(AssertionError);
    }
    const inner = new VBox();
    box.addChild(inner);
    expect(() => inner.addChild(box)).toThrow(AssertionError);
  });
});

describe("keys", () => {
  test("with names have methods of these names, and others none", () => {
    const called: string[] = [];
    const widget = new Widget();
    const methods = ["F1", "HOME", "DOWN_ARROW", "UP_ARROW", "PGDN", "PGUP"].map((name) => [
      `func_${name}`,
      (modifier: string | null) => called.push(`${name} ${modifier}`),
    ]);
    Object.assign(widget, Object.fromEntries(methods));
    for (const key of FUNCTION_KEYS) void widget.functionKeyReceived(key, "[SHIFT]");
    expect(called.sort()).toEqual(["DOWN_ARROW", "F1", "HOME", "PGDN", "PGUP", "UP_ARROW"].map((n) => `${n} [SHIFT]`));
  });

  test("backspace may be 08", () => {
    let erased = 0;
    const widget = Object.assign(new Widget(), { backspaceReceived: () => void (erased += 1) });
    type(widget, [BACKSPACE, "\b"]);
    expect(erased).toBe(2);
  });

  test("what a callback promises is handed on to who brought the key", async () => {
    const { top } = window(new Border(new Button("fail", () => Promise.reject(new Error("pressed")))));
    await expect(top.keystrokeReceived("\r", null)).rejects.toThrow("pressed");
  });
});

describe("boxes", () => {
  class Sized extends Widget {
    place = "";
    constructor(readonly hint: SizeHint | null) {
      super();
    }
    override sizeHint(): SizeHint | null {
      return this.hint;
    }
    override render(width: number, height: number, terminal: Surface): void {
      const { xoff, yoff } = terminal as BoundedTerminalWrapper;
      this.place = `${width}x${height}+${xoff}+${yoff}`;
    }
  }

  function places(box: ContainerWidget, hints: readonly (SizeHint | null)[], width: number, height: number): string[] {
    const children = hints.map((hint) => new Sized(hint));
    for (const child of children) box.addChild(child);
    bytes((terminal) => box.draw(width, height, terminal));
    return children.map(({ place }) => place);
  }

  // the box, what its children ask for, where they are in 20 columns and 10 rows
  for (const [name, box, hints, expected] of [
    ["HBox", HBox, [[3, 1], null, [null, 2]], ["3x10+0+0", "8x10+3+0", "8x10+11+0"]],
    ["HBox", HBox, [[15, 1], [15, 1], null], ["15x10+0+0", "5x10+15+0", ""]],
    ["VBox", VBox, [[3, 1], null, [2, null]], ["20x1+0+0", "20x4+0+1", "20x4+0+5"]],
    [
      "VBox",
      VBox,
      [
        [3, 4],
        [3, 9],
      ],
      ["20x4+0+0", "20x6+0+4"],
    ],
    ["Packer", Packer, [null, null, null, null], ["10x5+0+0", "10x5+10+0", "10x5+0+5", "10x5+10+5"]],
    ["Packer", Packer, [[4, 1], null, [4, null]], ["4x1+0+0", "16x10+4+0", "4x9+0+1"]],
    ["Packer", Packer, [null, null, null, null, null], ["10x3+0+0", "10x5+10+0", "10x3+0+3", "10x5+10+5", "10x3+0+6"]],
    ["Packer", Packer, [], []],
  ] as const) {
    test(`${name} of ${JSON.stringify(hints)}`, () => {
      expect(places(new box(), hints, 20, 10)).toEqual(expected);
    });
  }

  test("have the names of gravities", () => {
    expect(new VBox(VBox.BOTTOM).gravity).toBe(2);
    expect([HBox.TOP, HBox.CENTER, new HBox().gravity]).toEqual([0, 1, 1]);
  });

  test("ask for the sum along and the most across, if all of them ask", () => {
    const hint = (box: ContainerWidget, ...hints: (SizeHint | null)[]): SizeHint | null => {
      for (const each of hints) box.addChild(new Sized(each));
      return box.sizeHint();
    };
    expect(hint(new HBox(), [3, 1], [4, 2])).toEqual([7, 2]);
    expect(hint(new VBox(), [3, 1], [4, 2])).toEqual([4, 3]);
    expect(hint(new HBox(), [3, 1], [null, 2])).toEqual([null, 2]);
    expect(hint(new VBox(), [3, 1], null)).toEqual([null, null]);
    expect(hint(new Packer(), [3, 1], [4, 2], [5, 3])).toEqual([9, 4]);
    expect(new Border(new Sized([3, null])).sizeHint()).toEqual([5, null]);
  });

  test("AbsoluteBox: each where it is put, and moved", () => {
    const box = new AbsoluteBox();
    const [one, other] = [new Sized(null), new Sized(null)];
    box.addChild(one, 2, 1);
    box.addChild(other);
    const draw = (): unknown => bytes((terminal) => box.draw(10, 5, terminal));
    draw();
    expect([one.place, other.place]).toEqual(["8x4+2+1", "10x5+0+0"]);
    box.moveChild(one, 4, -1);
    draw();
    expect(one.place).toBe("6x5+4+0");
    box.remChild(one);
    expect(() => box.moveChild(one, 1, 1)).toThrow(ValueError);
  });

  test("what is drawn is where it is even when the box before it has another size", () => {
    const [button, output] = [new Button("long", nothing), new TextOutput()];
    const box = new HBox();
    box.addChild(button);
    box.addChild(output);
    output.setText("text");
    const screen = blankScreen(10, 2);
    expect(drawn(box, 9, 1, screen)).toEqual(["longtext "]);
    button.setLabel("ok");
    box.draw(9, 1, screen);
    expect(screen.toString().trimEnd()).toBe("oktext");
  });
});

describe("drawing", () => {
  test("two bordered buttons have the bytes of Twisted's", () => {
    const box = new HBox();
    box.addChild(new Border(new Button("A", nothing)));
    box.addChild(new Border(new Button("BB", nothing)));
    expect(bytes((terminal) => box.draw(10, 3, terminal))).toBe(
      "\x1b(0\x1b[1;1Hlqk\x1b[2;1Hx\x1b[1Cx\x1b[3;1Hmqj\x1b(B\x1b[0m\x1b[2;2HA" +
        "\x1b(0\x1b[1;4Hlqqk\x1b[2;4Hx\x1b[2Cx\x1b[3;4Hmqqj\x1b(B\x1b[0m\x1b[2;5HBB",
    );
  });

  test("what has the focus is red, and a button bold", () => {
    const border = new Border(new Button("A", nothing));
    border.focusReceived();
    expect(bytes((terminal) => border.draw(3, 3, terminal))).toBe(
      "\x1b[31m\x1b(0\x1b[1;1Hlqk\x1b[2;1Hx\x1b[1Cx\x1b[3;1Hmqj\x1b(B\x1b[0m\x1b[2;2H\x1b[1mA\x1b[0m",
    );
    border.focusLost();
    expect(bytes((terminal) => border.draw(3, 3, terminal))).not.toContain("\x1b[31m");
  });

  test("lines and boxes are where they are asked for, and nothing where there is no room", () => {
    const screen = blankScreen(8, 5);
    rectangle(screen, [1, 2], [5, 3]);
    expect(screen.toString()).toBe("\n  lqqqk\n  x   x\n  mqqqj\n");
    expect(bytes((terminal) => horizontalLine(terminal, 2, 1, 4))).toBe("\x1b(0\x1b[3;2Hqqq\x1b(B");
    expect(bytes((terminal) => verticalLine(terminal, 2, 1, 3))).toBe("\x1b(0\x1b[2;3Hx\x1b[3;3Hx\x1b(B");
    expect(bytes((terminal) => rectangle(terminal, [0, 0], [2, 3]))).toContain("\x1b[2;1Hxx\x1b");
    expect(
      bytes((terminal) => {
        rectangle(terminal, [0, 0], [1, 5]);
        rectangle(terminal, [0, 0], [5, 1]);
        horizontalLine(terminal, 0, 3, 3);
        verticalLine(terminal, 0, 3, 2);
      }),
    ).toBe("");
  });

  test("a cursor is a cell in reverse, and what follows is not", () => {
    expect(bytes((terminal) => cursor(terminal, "x"))).toBe("\x1b7\x1b[7mx\x1b8\x1b[1C");
    const screen = blankScreen(4, 1);
    cursor(screen, "x");
    screen.write("y");
    expect([screen.toString(), reversed(screen, 0)]).toEqual(["xy", "#..."]);
  });

  test("a part of a terminal keeps positions within, and parts of parts add up", () => {
    const seen = bytes((terminal) => {
      const outer = new BoundedTerminalWrapper(terminal, 20, 10, 2, 3);
      const inner = new BoundedTerminalWrapper(outer, 5, 4, 1, 1);
      inner.cursorPosition(0, 0);
      inner.cursorPosition(100, 100);
      inner.cursorHome();
    });
    expect(seen).toBe("\x1b[5;4H\x1b[9;9H\x1b[5;4H");
  });
});

describe("text", () => {
  test.each([
    ["a button", (text: string) => new Button(text, nothing)],
    ["an output", (text: string) => outputOf(text)],
    ["an area that wraps", (text: string) => areaOf(text)],
    ["an area that cuts", (text: string) => areaOf(text, TRUNCATE)],
    ["an input", (text: string) => inputOf(text)],
    ["an input with the focus", (text: string) => focused(inputOf(text))],
    ["a selection", (text: string) => new Selection([text, text], nothing)],
    ["a canvas", (text: string) => canvasOf(text)],
  ])("of %s stays in its place, whatever it holds", (_, widgetOf) => {
    for (const text of ["long ".repeat(20), "x".repeat(1000), "漢字".repeat(20), "😀\ufe0f".repeat(9)]) {
      for (const width of [1, 2, 7]) drawn(widgetOf(text), width, 3);
    }
    const evil = "a\x1b[2J\x9b2J\x07\b\r\n\u202eb\ud800\u2028";
    const written = bytes((terminal) => widgetOf(evil).redraw(30, 3, terminal));
    const ours = /\x1b(?:\[[\d;]*[Hm]|\[1C|[78])/g;
    expect(written.replace(ours, "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028]/u);
  });

  function outputOf(text: string): TextOutput {
    const output = new TextOutput();
    output.setText(text);
    return output;
  }

  function areaOf(text: string, longLines?: typeof TRUNCATE): TextOutputArea {
    const area = new TextOutputArea(null, longLines);
    area.setText(text);
    return area;
  }

  function inputOf(text: string): TextInput {
    const input = new TextInput(2000, nothing);
    input.setText(text);
    return input;
  }

  function focused<W extends Widget>(widget: W): W {
    widget.focusReceived();
    return widget;
  }

  function canvasOf(text: string): Canvas {
    const canvas = new Canvas();
    canvas.resize(5, 1);
    for (let x = 0; x < 5; x++) canvas.set(x, 0, Array.from(text)[x] ?? " ");
    return canvas;
  }

  test("is two columns wide where terminals have it so", () => {
    expect(drawn(outputOf("漢字é"), 4, 1)).toEqual(["漢字  "]); // the screen has a cell for each
    expect(new Button("漢字", nothing).sizeHint()).toEqual([4, 1]);
  });

  // text, width, rows of four
  for (const [text, width, rows] of [
    ["one two three", 7, ["one two", "three  ", "       ", "       "]],
    ["one\n\ntwo", 4, ["one ", "    ", "two ", "    "]],
    ["ab extraordinary c", 5, ["ab   ", "extra", "ordin", "ary c"]],
    ["a b c d e f", 1, ["a", "b", "c", "d"]],
    ["", 2, ["  ", "  ", "  ", "  "]],
  ] as const) {
    test(`${JSON.stringify(text)} in ${width} columns`, () => {
      expect(drawn(areaOf(text), width, 4)).toEqual(rows);
    });
  }

  test("of any length costs no more than what is shown of it", () => {
    for (const [text, rows] of [
      ["x".repeat(10_000_000), ["xxxx", "xxxx"]],
      ["xy ".repeat(10_000_000), ["xy  ", "xy  "]],
      ["xy z".repeat(10_000_000), ["xy  ", "zxy "]],
    ] as const) {
      expect(drawn(areaOf(text), 4, 2)).toEqual(rows);
      expect(drawn(inputOf(text), 4, 1)).toEqual([text.slice(0, 4)]);
    }
  });

  test("is cut where it is not wrapped, and what was there before is gone", () => {
    expect([TextOutputArea.WRAP, TextOutputArea.TRUNCATE]).toEqual([WRAP, TRUNCATE]);
    const area = areaOf("one two three\r\nfour", TRUNCATE);
    const screen = blankScreen(6, 3);
    expect(drawn(area, 5, 2, screen)).toEqual(["one t", "four "]);
    area.setText("x");
    expect(drawn(area, 5, 2, screen)).toEqual(["x    ", "     "]);
    expect(() => area.focusReceived()).toThrow(YieldFocus);
    expect(new TextOutput([5, 1]).sizeHint()).toEqual([5, 1]);
  });
});

describe("an input", () => {
  function input(keys: Iterable<string>, Kind = TextInput) {
    const submitted: string[] = [];
    const made = new Kind(5, (text) => void submitted.push(text));
    made.focusReceived();
    type(made, keys);
    return { made, submitted };
  }

  // keys, its text, where the cursor is
  for (const [keys, text, at] of [
    [["a", "b", "c"], "abc", 3],
    [["a", "b", "c", "d", "e", "f"], "abcde", 5],
    [["a", "b", LEFT_ARROW, "c"], "acb", 2],
    [["a", LEFT_ARROW, LEFT_ARROW, "b", RIGHT_ARROW, RIGHT_ARROW, "c"], "bac", 3],
    [["a", "b", BACKSPACE, BACKSPACE, BACKSPACE, "c"], "c", 1],
    [["a", "b", LEFT_ARROW, BACKSPACE], "b", 0],
    [["😀", "é", LEFT_ARROW, BACKSPACE], "é", 0],
    [["\x03", "\x1b", "\n", UP_ARROW, "a"], "a", 1],
  ] as const) {
    test(`after ${JSON.stringify(keys)} has ${JSON.stringify(text)}`, () => {
      const { made } = input(keys);
      expect([made.buffer, made.cursor]).toEqual([text, at]);
    });
  }

  test("is submitted by Return, and can be set", () => {
    const { made, submitted } = input(["a", "b", "\r"]);
    expect(submitted).toEqual(["ab"]);
    made.setText("abcdefgh");
    expect([made.buffer, made.cursor, made.sizeHint()]).toEqual(["abcde", 5, [6, 1]]);
  });

  test("shows where the cursor is, and how long it can be when it has not the focus", () => {
    const { made } = input(["a", "b", "c"]);
    const screen = blankScreen(9, 2);
    expect(drawn(made, 8, 1, screen)).toEqual(["abc     "]);
    expect(reversed(screen, 0)).toBe("...#.....");
    type(made, [LEFT_ARROW]);
    drawn(made, 8, 1, screen);
    expect(reversed(screen, 0)).toBe("..#......");
    made.focusLost();
    expect(drawn(made, 8, 1, screen)).toEqual(["abc__   "]);
    expect(reversed(screen, 0)).toBe(".........");
    expect(bytes((terminal) => input(["a"]).made.draw(9, 1, terminal))).toBe("\x1b[1;1Ha\x1b7\x1b[7m \x1b8\x1b[1C    ");
  });

  test("shows the text around the cursor when there is no room for all", () => {
    const { made } = input(["a", "b", "c", "d", "e"]);
    const screen = blankScreen(4, 2);
    expect(drawn(made, 3, 1, screen)).toEqual(["de "]);
    expect(reversed(screen, 0)).toBe("..#.");
    type(made, [LEFT_ARROW, LEFT_ARROW, LEFT_ARROW, LEFT_ARROW]);
    expect(drawn(made, 3, 1, screen)).toEqual(["abc"]);
    expect(reversed(screen, 0)).toBe(".#..");
  });

  test("of a password shows stars, with the focus and without", () => {
    const { made, submitted } = input(["x", "y", "😀", "\r"], PasswordInput);
    expect(drawn(made, 6, 1)).toEqual(["***   "]);
    made.focusLost();
    expect(drawn(made, 6, 1)).toEqual(["***__ "]);
    expect(submitted).toEqual(["xy😀"]);
  });
});

describe("a selection", () => {
  const ten = Array.from({ length: 10 }, (_, i) => `${i}`);
  const hundred = Array.from({ length: 100 }, (_, i) => `${i}`);

  for (const [name, key, expected] of [
    ["DOWN", DOWN_ARROW, 6],
    ["UP", UP_ARROW, 4],
    ["PGDN", PGDN, 9],
    ["PGUP", PGUP, 0],
  ] as const) {
    test(`of ten in ten rows goes from 5 by ${name} to ${expected}`, () => {
      const selection = Object.assign(new Selection(ten, nothing), { width: 10, height: 10, focusedIndex: 5 });
      type(selection, [key]);
      expect(selection.focusedIndex).toBe(expected);
    });
  }

  // keys, what is shown of a hundred in three rows, which of them is chosen
  for (const [keys, rows, chosen] of [
    [[], ["0 ", "1 ", "2 "], 0],
    [[UP_ARROW], ["0 ", "1 ", "2 "], 0],
    [[DOWN_ARROW, DOWN_ARROW], ["0 ", "1 ", "2 "], 2],
    [[DOWN_ARROW, DOWN_ARROW, DOWN_ARROW], ["1 ", "2 ", "3 "], 2],
    [[PGDN, DOWN_ARROW, UP_ARROW, UP_ARROW, UP_ARROW], ["0 ", "1 ", "2 "], 0],
    [[PGDN], ["0 ", "1 ", "2 "], 2],
    [[PGDN, PGDN], ["3 ", "4 ", "5 "], 2],
    [[PGDN, PGDN, PGUP], ["3 ", "4 ", "5 "], 0],
    [[PGDN, PGDN, PGUP, PGUP], ["0 ", "1 ", "2 "], 0],
    [new Array<string>(200).fill(DOWN_ARROW), ["97", "98", "99"], 2],
    [new Array<string>(200).fill(PGDN), ["97", "98", "99"], 2],
  ] as const) {
    test(`after ${keys.slice(0, 5).join("")}… shows ${rows.join()}`, () => {
      const selection = new Selection(hundred, nothing);
      selection.draw(2, 3, blankScreen(2, 3));
      type(selection, keys);
      const screen = blankScreen(3, 4);
      expect(drawn(selection, 2, 3, screen)).toEqual(rows);
      expect([0, 1, 2].map((y) => reversed(screen, y) === "##.")).toEqual([0, 1, 2].map((y) => y === chosen));
    });
  }

  test("has no empty rows while there are more to show", () => {
    const selection = Object.assign(new Selection(hundred, nothing), { focusedIndex: 98 });
    expect(drawn(selection, 2, 3)).toEqual(["97", "98", "99"]);
  });

  test("tells what Return chose, and nothing when there is nothing", () => {
    const selected: string[] = [];
    const selection = new Selection(ten, (each) => void selected.push(each), 3);
    type(selection, [DOWN_ARROW, "x", "\r"]);
    expect([selected, selection.sizeHint()]).toEqual([["1"], [1, 3]]);
    const empty = new Selection([], (each) => void selected.push(each));
    type(empty, [DOWN_ARROW, PGDN, UP_ARROW, PGUP, "\r"]);
    expect([selected.length, empty.sizeHint(), drawn(empty, 2, 2)]).toEqual([1, null, ["  ", "  "]]);
  });

  test("is bold while it has the focus", () => {
    const selection = new Selection(["a"], nothing);
    selection.focusReceived();
    expect(bytes((terminal) => selection.draw(2, 1, terminal))).toBe("\x1b[1;1H\x1b[7;1ma \x1b[0m");
  });
});

describe("scrolling", () => {
  const far = outputAt(30, 10);

  /** Text that begins at this column and row. */
  function outputAt(x: number, y: number): () => Widget {
    return () => {
      const box = new AbsoluteBox();
      const output = new TextOutputArea([20, 5]);
      output.setText("far away");
      box.addChild(output, x, y);
      return box;
    };
  }

  test("a viewport shows a part of what is larger, and no more than its place", () => {
    const viewport = new Viewport(far());
    expect(drawn(viewport, 5, 2)).toEqual(["     ", "     "]);
    viewport.xOffset = 28;
    viewport.yOffset = 9;
    expect(drawn(viewport, 5, 2)).toEqual(["     ", "  far"]);
    viewport.xOffset = -1;
    viewport.yOffset = 1000;
    expect([viewport.xOffset, viewport.yOffset]).toEqual([0, 23]);
    viewport.xOffset = 159;
    expect(drawn(viewport, 3, 3)).toEqual(["   ", "   ", "   "]);
  });

  test("a viewport is painted when it is moved, not when it stays", () => {
    const viewport = new Viewport(new Widget());
    const { paint, scheduled } = window(viewport);
    paint();
    viewport.xOffset = 0;
    viewport.yOffset = 0;
    expect(scheduled.length).toBe(0);
    viewport.yOffset = 1;
    expect(scheduled.length).toBe(1);
  });

  test("what is in a viewport keeps its attributes and lines", () => {
    const button = new Button("A", nothing);
    button.focusReceived();
    const box = new HBox();
    box.addChild(new Border(button));
    const viewport = new Viewport(box);
    viewport.yOffset = 1;
    expect(bytes((terminal) => viewport.draw(4, 1, terminal))).toBe(
      "\x1b[1;1H\x1b[31m│\x1b[0m\x1b[1mA\x1b[0m\x1b[31m│\x1b[0m ",
    );
  });

  test("wide characters in a viewport push nothing out of it", () => {
    const output = new TextOutput();
    output.setText("漢字漢字");
    expect(bytes((terminal) => new Viewport(output).draw(5, 1, terminal))).toBe("\x1b[1;1H漢字 ");
  });

  test("a scrolled area has its viewport between lines and bars, and moves by arrows", () => {
    const containee = far();
    const area = new ScrolledArea(containee);
    expect(containee.parent).toBeInstanceOf(Viewport);
    expect(containee.parent?.parent).toBe(area);
    expect(drawn(area, 7, 5)).toEqual(["qqqqqq▲", "x     ▓", "x     ░", "x     ▼", "◀▓░░░░▶"]);
    type(area, [...new Array<string>(28).fill(RIGHT_ARROW), ...new Array<string>(9).fill(DOWN_ARROW), LEFT_ARROW]);
    expect(drawn(area, 7, 5)).toEqual(["qqqqqq▲", "x     ▓", "x   fa░", "x     ▼", "◀░░░░▓▶"]);
    type(area, [...new Array<string>(50).fill(LEFT_ARROW), ...new Array<string>(50).fill(UP_ARROW)]);
    expect(drawn(area, 7, 5)).toEqual(["qqqqqq▲", "x     ▓", "x     ░", "x     ▼", "◀▓░░░░▶"]);
    area.focusReceived();
    expect(bytes((terminal) => area.draw(7, 5, terminal))).toContain("\x1b[31m");
    for (const size of [1, 2, 3]) drawn(area, size, size);
  });

  test("bars have a knob that stays between their ends, and go where they are told", () => {
    const steps: number[] = [];
    const answers = [0.5, 7, -7, NaN, 1];
    const scroll = (step: number): number => {
      steps.push(step);
      return answers.shift()!;
    };
    const bar = new HorizontalScrollbar(scroll);
    expect([bar.sizeHint(), new VerticalScrollbar(scroll).sizeHint()]).toEqual([
      [null, 1],
      [1, null],
    ]);
    const seen = [drawn(bar, 7, 1)[0]];
    for (const key of [RIGHT_ARROW, RIGHT_ARROW, LEFT_ARROW, LEFT_ARROW]) {
      type(bar, [key]);
      seen.push(drawn(bar, 7, 1)[0]);
    }
    expect(seen).toEqual(["◀▓░░░░▶", "◀░░▓░░▶", "◀░░░░▓▶", "◀▓░░░░▶", "◀▓░░░░▶"]);
    expect(steps).toEqual([1, 1, -1, -1]);
    const vertical = new VerticalScrollbar(scroll);
    type(vertical, [DOWN_ARROW]);
    expect(drawn(vertical, 1, 5)).toEqual(["▲", "░", "░", "▓", "▼"]);
  });
});

describe("a canvas", () => {
  test("keeps what is within both sizes, and its cursor within", () => {
    const canvas = new Canvas();
    canvas.resize(3, 2);
    canvas.set(0, 0, "a");
    canvas.set(2, 1, "b");
    Object.assign(canvas, { x: 2, y: 1 });
    expect(drawn(canvas, 3, 2)).toEqual(["a  ", "  b"]);
    expect(drawn(canvas, 2, 3)).toEqual(["a ", "  ", "  "]);
    expect([canvas.x, canvas.y, canvas.get(0, 0)]).toEqual([1, 1, "a"]);
    canvas.clear();
    expect(drawn(canvas, 2, 1)).toEqual(["  "]);
    for (const [x, y] of [
      [2, 0],
      [0, 1],
      [-1, 0],
    ] as const) {
      expect(() => canvas.set(x, y, "x")).toThrow(IndexError);
    }
  });
});
