/** What a process of tests does last: Vitest ends its processes by SIGTERM, of which Node by itself tells nobody. */
const actions: (() => void)[] = [];

process.on("SIGTERM", () => {
  if (process.listenerCount("SIGTERM") === 1) process.exit(); // else it is a test's
});
process.once("exit", () => {
  for (const action of actions.reverse()) action();
});

/** Has `action` done when this process ends: what is there last goes first. */
export function atEnd(action: () => void): void {
  actions.push(action);
}
