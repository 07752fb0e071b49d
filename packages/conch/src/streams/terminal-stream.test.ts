/** What a terminal keeps for a client that types and takes nothing. */
import { expect, test } from "vitest";
import { TerminalStream } from "./terminal-stream.js";

/** A terminal, what it has written, and whether its client takes that. */
function terminal() {
  const client = { takes: true, shown: [] as string[] };
  const stream = new TerminalStream(
    {
      write(data) {
        client.shown.push(data.toString());
        return client.takes;
      },
      end() {},
      pause() {},
      resume() {},
      done() {},
    },
    { term: "xterm", columns: 80, rows: 24, env: {} },
  );
  return { stream, client };
}

const type = (stream: TerminalStream, keys: string) => stream.deliver(Buffer.from(keys));

test("keys that come together are shown together", () => {
  const { stream, client } = terminal();
  type(stream, "ab\x7fc\rd");
  expect(client.shown).toEqual(["ab\b \bc\r\n", "d"]);
});

test("C4: of keys whose echo the client does not take no more is kept than a line", () => {
  const { stream, client } = terminal();
  client.takes = false;
  for (let i = 0; i < 10_000; i++) type(stream, "x\x7f");
  expect(client.shown.join("").length).toBeLessThan(4100);
  client.takes = true;
  stream.drained();
  type(stream, "seen");
  expect(client.shown.at(-1)).toBe("seen");
});

test("Ctrl-C does not wait for its echo", () => {
  const { stream, client } = terminal();
  client.takes = false;
  let interrupts = 0;
  stream.on("SIGINT", () => interrupts++);
  type(stream, "x".repeat(10_000));
  type(stream, "\x03");
  expect(interrupts).toBe(1);
});
