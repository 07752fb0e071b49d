/** Published test vectors, in files beside the tests: a line each, its fields apart by a blank, "-" for none. */
import { readFileSync } from "node:fs";

/** The lines of the file, and what the comment in its first line says. */
export function vectors(file: URL): readonly (readonly string[])[] {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n").slice(1);
  return lines.map((line) => line.split(" ").map((field) => (field === "-" ? "" : field)));
}

export const fromHex = (text: string): Buffer => Buffer.from(text, "hex");
