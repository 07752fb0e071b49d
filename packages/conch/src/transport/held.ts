/** The bytes that a process holds for peers that do not take them, over all of its servers' connections. */
import { Roster } from "@strombus/reactor/roster";

/** Something that holds such bytes. */
export interface Holder {
  readonly bytesHeld: number;
}

/** The connections of this process. They are asked when somebody wants to know, and count nothing as data passes. */
export const holders = new Roster<Holder>();

export function bytesHeld(): number {
  let total = 0;
  for (const each of holders) total += each.bytesHeld;
  return total;
}
