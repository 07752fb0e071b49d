/** User names that would be something else if they were taken for more than text. */

export const NAMES: Readonly<Record<string, string>> = {
  "an object's": "__proto__",
  "another object's": "constructor",
  "a path": "../../../../etc/passwd",
  "an absolute path": "/root",
  "a dot": ".",
  "two dots": "..",
  "a path of Windows'": "..\\\\alice",
  "a command": "$(reboot)",
  "another command": "alice; `reboot` | sh",
  "an option": "-oProxyCommand=reboot",
  SQL: "alice' OR '1'='1",
  "more SQL": "'; DROP TABLE users; --",
  "a pattern of SQL": "a%_ce",
  "a parameter of SQL": "$1",
  "a filter of LDAP": "*)(uid=*))(|(uid=*",
  "a DN": "alice,ou=people",
  "a delimiter": "alice:x:0:0",
  "a record": "alice:correct horse\nmallory:correct horse",
  "a format": "%s%n{user}{0}",
  "escape sequences": "\u001b[2J\u001b]0;title\u0007alice\u009b31m",
  "lines for a log": "alice\r\n2026-01-01 login accepted: user root",
  "text from right to left": "\u202eecila",
  "a NUL": "alice\0",
  "half a character": "alice\ud800",
  "white space": " alice\t",
  "another case": "ALICE",
  "other letters": "\uff41lice",
  nothing: "",
  "64 KiB": "a".repeat(65_536),
};

/** Names that are no text at all: refused before any checker is asked. */
export const NOT_TEXT: Readonly<Record<string, Buffer>> = {
  "no UTF-8": Buffer.of(0x61, 0xff, 0xfe),
  "half of a character": Buffer.of(0x61, 0xc3),
  "a slash written too long": Buffer.of(0xc0, 0xaf),
  "a NUL written too long": Buffer.of(0x61, 0xc0, 0x80),
  "a surrogate": Buffer.of(0x61, 0xed, 0xa0, 0x80),
  "an alice of Latin-1": Buffer.from("alic\u00e9", "latin1"),
};

/** A line of the log that moves no cursor, and is no two lines. */
export const harmless = /^[^\u0000-\u001f\u007f-\u009f\u202e\u2028\u2029]{0,2000}$/;
