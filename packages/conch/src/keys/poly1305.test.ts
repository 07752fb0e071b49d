import { expect, test } from "vitest";
import { poly1305 } from "./poly1305.js";

test("Poly1305 gives the tag of RFC 8439 section 2.5.2", () => {
  const key = Buffer.from("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b", "hex");
  const tag = poly1305(key, Buffer.from("Cryptographic Forum Research Group"));
  expect(tag.toString("hex")).toBe("a8061dc1305136c6c22b8baf0c0127a9");
});
