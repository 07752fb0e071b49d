import { expect, test } from "vitest";
import { escapeValue } from "./escape.js";

test("letters, digits and what is not ASCII stay as they are", () => {
  expect(escapeValue("alice2")).toBe("alice2");
  expect(escapeValue("jörg\u{1f41a}")).toBe("jörg\u{1f41a}");
});

test("all that means something in a DN or a filter becomes its number", () => {
  expect(escapeValue("*)(uid=*")).toBe("\\2a\\29\\28uid\\3d\\2a");
  expect(escapeValue('a,b+c"d\\e<f>g;h#i=j')).toBe("a\\2cb\\2bc\\22d\\5ce\\3cf\\3eg\\3bh\\23i\\3dj");
  expect(escapeValue(" x ")).toBe("\\20x\\20");
  expect(escapeValue("\0\n\x7f")).toBe("\\00\\0a\\7f");
  for (let code = 0; code < 128; code++) {
    expect(escapeValue(String.fromCharCode(code))).toMatch(/^(\\[0-9a-f]{2}|[A-Za-z0-9])$/);
  }
});
