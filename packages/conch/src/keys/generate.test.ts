/** Keys that are made, and those that an application made by node:crypto. */
import * as crypto from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Key, _getPersistentRSAKey } from "../ssh/keys.js";

const generated = vi.hoisted(() => vi.fn<(type: string, options: Record<string, unknown> | undefined) => void>());

vi.mock("node:crypto", async (load) => {
  const original = await load<typeof crypto>();
  return {
    ...original,
    generateKeyPairSync: (type: "rsa", options: crypto.RSAKeyPairKeyObjectOptions) => {
      generated(type, options as unknown as Record<string, unknown>);
      return original.generateKeyPairSync(type, options);
    },
  };
});

beforeEach(() => generated.mockClear());

/** On Node 20 an export of the generator's own KeyObject may wait for ever for a lock that the generator shares. */
describe("no KeyObject of the generator is used", () => {
  for (const [type, bits] of [
    ["ed25519"],
    ["ed448"],
    ["mldsa44-ed25519"],
    ["ecdsa", 256],
    ["ecdsa", 521],
    ["rsa", 2048],
    ["dsa"],
  ] as const) {
    test(`for a key of ${type} ${bits ?? ""}`, () => {
      const key = Key.generate(type, bits);
      expect(key.public().verify(key.sign("data"), "data")).toBe(true);
      expectEncoded();
    });
  }

  test("for a persistent key", () => {
    const folder = mkdtempSync(join(tmpdir(), "strombus-"));
    try {
      expect(_getPersistentRSAKey(join(folder, "key"), 1024).size()).toBe(1024);
      expectEncoded();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  function expectEncoded(): void {
    expect(generated.mock.calls).toHaveLength(1);
    expect(generated.mock.calls[0]![1]).toMatchObject({ publicKeyEncoding: {}, privateKeyEncoding: {} });
  }
});

/** What hangs is the export as a JSON Web Key, which makes objects while it holds the lock. */
for (const type of ["ed25519", "rsa", "ec", "dsa"]) {
  test(`a generated KeyObject of ${type} that an application has is read by way of DER`, () => {
    const { privateKey, publicKey } = crypto.generateKeyPairSync(
      type as "rsa",
      {
        modulusLength: 1024,
        namedCurve: "P-384",
        divisorLength: 160,
      } as crypto.RSAKeyPairKeyObjectOptions,
    );
    const exported = [privateKey, publicKey].map((each) =>
      vi.spyOn(Object.getPrototypeOf(each) as crypto.KeyObject, "export"),
    );
    const key = new Key(privateKey);
    const half = new Key(publicKey);
    expect(key.isPublic()).toBe(false);
    expect(half.equals(key.public())).toBe(true);
    expect(half.verify(key.sign("data"), "data")).toBe(true);
    const formats = exported.flatMap(({ mock }) =>
      mock.calls
        .filter((_, at) => [privateKey, publicKey].includes(mock.contexts[at] as never))
        .map(([options]) => options),
    );
    expect(formats.length).toBeGreaterThan(0);
    for (const options of formats) expect(options).toMatchObject({ format: "der" });
    for (const spy of exported) spy.mockRestore();
  });
}
