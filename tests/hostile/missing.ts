/** Rules and attacks that have no test in this folder yet. Whoever writes one takes its name from here. */
export const MISSING: readonly string[] = [
  // login, channels, sessions, client, log
  "A12",
  "L1",
  "L2",
  "L3",
  "L4",
  "CVE-2016-6210",
  "CVE-2018-15473",
  "CVE-2018-15919",
];
