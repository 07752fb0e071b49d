/** A component of Ink: it counts up with each key `+`, and `q` ends it. */
import type { SessionIO, TerminalStream } from "@strombus/conch/streams";
import { Box, render, Text, useApp, useInput } from "ink";
import { createElement as element, useState } from "react";

function Counter() {
  const [count, setCount] = useState(0);
  const { exit } = useApp();
  useInput((keys) => {
    // Those that are typed fast come together.
    for (const key of keys) {
      if (key === "+") setCount((before) => before + 1);
      if (key === "q") exit();
    }
  });
  return element(Box, { borderStyle: "round", paddingX: 1 }, element(Text, { color: "green" }, `counted to ${count}`));
}

export async function showCounter(terminal: TerminalStream, { signal }: SessionIO) {
  // Ink asks for the very streams of a process; it uses what a terminal of ours has too.
  const stream = terminal as unknown as NodeJS.ReadStream & NodeJS.WriteStream;
  const app = render(element(Counter), { stdin: stream, stdout: stream, stderr: stream, patchConsole: false });
  signal.addEventListener("abort", () => app.unmount());
  await app.waitUntilExit();
}
