/** Lines go to the state's method, and its result is the next state. */
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { capturedLogs, formatEvent } from "@strombus/reactor/logger";
import { describe, expect, test } from "vitest";
import { StatefulTelnetProtocol } from "./stateful.js";

class Quiz extends StatefulTelnetProtocol {
  override state = "First";
  readonly got: string[] = [];

  telnet_First(line: Buffer): string {
    this.got.push(`first ${line.toString()}`);
    return "Second";
  }
  telnet_Second(line: Buffer): string | null {
    this.got.push(`second ${line.toString()}`);
    return line.toString() === "back" ? "First" : null;
  }
  telnet_Own(line: Buffer): string {
    this.state = "Second";
    return "First";
  }
  async telnet_Later(line: Buffer): Promise<string> {
    return Promise.resolve("Second");
  }
}

const heard = (...pieces: string[]): string[] => {
  const quiz = new Quiz();
  for (const piece of pieces) void quiz.dataReceived(Buffer.from(piece));
  return quiz.got;
};

describe("states", () => {
  test("follow one another as the methods say", () => {
    expect(heard("a\nb\nback\nc\n")).toEqual(["first a", "second b", "second back", "first c"]);
  });

  test("that a method sets itself stay, with a warning", () => {
    const quiz = new Quiz();
    quiz.state = "Own";
    const [event] = capturedLogs(() => void quiz.dataReceived(Buffer.from("a\n")));
    expect([quiz.state, formatEvent(event!)]).toEqual(["Second", "telnet_Own went to Second itself, and not to First"]);
  });

  test("may come later", async () => {
    const quiz = new Quiz();
    quiz.state = "Later";
    await quiz.dataReceived(Buffer.from("a\n"));
    expect(quiz.state).toBe("Second");
  });

  test("begin with Discard, and one without a method is a mistake", () => {
    const protocol = new StatefulTelnetProtocol();
    void protocol.dataReceived(Buffer.from("a\n"));
    expect(protocol.state).toBe("Discard");
    protocol.state = "constructor";
    expect(() => protocol.dataReceived(Buffer.from("a\n"))).toThrow(NotImplementedError);
  });
});

describe("lines", () => {
  test("end with any end, however it is cut", () => {
    const text = "a\r\nback\rc\n\r\n";
    for (let cut = 0; cut <= text.length; cut++) {
      expect(heard(text.slice(0, cut), text.slice(cut)), `cut at ${cut}`).toEqual([
        "first a",
        "second back",
        "first c",
        "second ",
      ]);
    }
  });

  test("are none in raw mode", () => {
    const quiz = new Quiz();
    quiz.rawDataReceived = (data) => void quiz.got.push(data.toString());
    quiz.setRawMode();
    void quiz.dataReceived(Buffer.from("a\r\n\r"));
    expect(quiz.got).toEqual(["a\r\n\r"]);
  });
});
