/** Looking for secrets in what is shown. */
import { inspect } from "node:util";

/** The ways in which bytes are shown. */
export function forms(secret: string | Buffer): string[] {
  const bytes = Buffer.from(secret as string);
  const hex = bytes.toString("hex");
  const base64 = bytes.toString("base64").replace(/.?=*$/, "");
  return [bytes.toString("latin1"), hex, hex.replace(/(..)(?!$)/g, "$1 "), base64, bytes.join(","), bytes.join(", ")];
}

/** As the console shows it, as JSON and as text. */
export function shown(value: unknown): string {
  return `${inspect(value, { depth: 20, maxArrayLength: null, maxStringLength: null })} ${json(value)} ${String(value)}`;
}

function json(value: unknown): string {
  const above = new Set<unknown>();
  const text = JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === "bigint") return String(each);
    if (typeof each !== "object" || each === null) return each;
    if (above.has(each)) return "seen";
    above.add(each);
    return each;
  }) as string | undefined;
  return text ?? "";
}
