/** The words of a small example's command line; with `--help` its usage is printed instead, and that is all. */
import { basename } from "node:path";

export function readWords(usage: string): string[] {
  const [, program = "main.js", ...words] = process.argv;
  if (!words.includes("--help")) return words;
  console.log(`usage: node ${basename(program)} ${usage}`);
  process.exit();
}
