/** The bytes that a process holds for peers that do not take them, over all of its servers' connections. */

/** Something that holds such bytes. */
export interface Holder {
  readonly bytesHeld: number;
}

/** The connections of this process. They are asked when somebody wants to know, and count nothing as data passes. */
export const holders = new Set<Holder>();

export function bytesHeld(): number {
  let total = 0;
  for (const each of holders) total += each.bytesHeld;
  return total;
}
