/** Rules and attacks that have no test in this folder yet. Whoever writes one takes its name from here. */
export const MISSING: readonly string[] = [];
