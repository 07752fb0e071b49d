import { PassThrough } from "node:stream";
import { EOFError, SystemExit } from "@strombus/reactor/exceptions";
import { describe, expect, test } from "vitest";
import { Questioner } from "./questioner.js";

function asking({ isTTY = false } = {}) {
  const answers = new PassThrough();
  const seen = { prompts: "", modes: [] as boolean[] };
  const terminal = Object.assign(answers, { isTTY, setRawMode: (mode: boolean) => seen.modes.push(mode) });
  return { answers, seen, questioner: new Questioner(terminal, { write: (text) => (seen.prompts += text) }) };
}

describe("an answer", () => {
  test("is a line, in whatever pieces it comes; what follows is the answer to the next question", async () => {
    const { answers, questioner, seen } = asking();
    const first = questioner.ask("1? ");
    for (const byte of Buffer.from("änswer\r\nsecond\nrest")) answers.write(Buffer.of(byte));
    expect(await first).toBe("änswer");
    expect(await questioner.askHidden("2? ")).toBe("second");
    answers.end();
    expect(await questioner.ask("3? ")).toBe("rest");
    await expect(questioner.ask("4? ")).rejects.toThrow(EOFError);
    expect([seen.prompts, seen.modes]).toEqual(["1? 2? 3? 4? ", []]);
  });
});

describe("a hidden answer at a terminal", () => {
  test("is taken in raw mode, which ends with it", async () => {
    const { answers, questioner, seen } = asking({ isTTY: true });
    answers.write("secret\rnext\n");
    expect(await questioner.askHidden("? ")).toBe("secret");
    expect([seen.prompts, seen.modes]).toEqual(["? \n", [true, false]]);
    expect(await questioner.ask("? ")).toBe("next");
  });

  test("is hidden from whoever types it as soon as the question is there", async () => {
    const answers = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (mode: boolean) => (raw = mode) });
    let raw = false;
    const shown: boolean[] = [];
    const asked = new Questioner(answers, { write: () => shown.push(raw) }).askHidden("? ");
    answers.write("secret\r");
    await asked;
    expect(shown).toEqual([true, false]);
  });

  test.each([
    ["ab\x7fc\r", "ac"],
    ["\x7f\bab\r", "ab"],
    ["wrong\x15right\r", "right"],
    ["a\x04b\n", "ab"],
    ["\r", ""],
  ])("%j is %j", async (typed, answer) => {
    const { answers, questioner } = asking({ isTTY: true });
    answers.write(typed);
    expect(await questioner.askHidden("? ")).toBe(answer);
  });

  test("Ctrl-C ends the program, Ctrl-D and a hangup the input", async () => {
    for (const [typed, error] of [
      ["a\x03", new SystemExit(130)],
      ["\x04", new EOFError("the input ended before the answer")],
    ] as const) {
      const { answers, questioner, seen } = asking({ isTTY: true });
      answers.write(typed);
      await expect(questioner.askHidden("? ")).rejects.toEqual(error);
      expect(seen.modes).toEqual([true, false]);
    }
    const { answers, questioner } = asking({ isTTY: true });
    const asked = questioner.askHidden("? ");
    answers.destroy();
    await expect(asked).rejects.toThrow(EOFError);
  });
});
