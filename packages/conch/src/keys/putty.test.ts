/** PuTTY's private keys: these files were written by puttygen 0.85, the passphrase is "secret". */
import { describe, expect, test } from "vitest";
import { BadKeyError, EncryptedKeyError, FingerprintFormats, Key } from "../ssh/keys.js";
import { readPutty } from "./putty.js";

const FILES = [
  {
    name: "version 2, encrypted",
    fingerprint: "lI5d/7o89QdKVNMFVzFnVuqfBK5VtEHxfDVcfWi7+j8=",
    file: `PuTTY-User-Key-File-2: ssh-ed25519
Encryption: aes256-cbc
Comment: versch\`l
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIBnPHNOIyZXKp0AsiK/nqeRaNdEOdQwJHdgm1Xl+
W/hP
Private-Lines: 1
iq/gGfX4BUEwM6VoWVelIT7PghemmYYlmjWOZKu1nIVBg02/YrDpYgN0jI3U8vTu
Private-MAC: 26cb6c024c005c812a9870f429a9f4a97288ba5d
`,
  },
  {
    name: "version 3, Argon2id",
    fingerprint: "DnBmfJbREvCwkwwIfDyODXnh4gjPC4YwTfzpjW//8/4=",
    file: `PuTTY-User-Key-File-3: ssh-ed25519
Encryption: aes256-cbc
Comment: made by puttygen
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIAPRaaN3XVjuEcKVqn9VqDlt2PvO8IdCNbnsXruo
zLxi
Key-Derivation: Argon2id
Argon2-Memory: 64
Argon2-Passes: 2
Argon2-Parallelism: 1
Argon2-Salt: 5f4fc59d3666c92ed46e577351761246
Private-Lines: 1
GyWp8dM1hhvWdUJdFGcqGSoEBy2QhmMTVrRQFnMZGUQ7L38KB9KNQ4TLks0vvsnR
Private-MAC: 331023c3a5b02b89ce3cd28defb71324084b8c0a34d76a74e0058f480f168d1b
`,
  },
  {
    name: "version 3, Argon2d",
    fingerprint: "6BzPytCr7bsJS01xQY7uYw7nLs3grErlCB305PS9Fac=",
    file: `PuTTY-User-Key-File-3: ssh-ed25519
Encryption: aes256-cbc
Comment: made by puttygen
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIOAPDpMCpxBgjXhIpBmIzIyIVPIPYKJjomTah0Bm
zPZt
Key-Derivation: Argon2d
Argon2-Memory: 64
Argon2-Passes: 1
Argon2-Parallelism: 1
Argon2-Salt: 5f35029d34631e7580de35569c18a04d
Private-Lines: 1
7jn9JuuRAR+7mTN2NsExc8eeQE37HpN/jocelLvqMqDyeLMlO0x0sS9c2c5XiY6o
Private-MAC: dda44370afabe2c2d3b4128a69705603430f610a9786e63abe77583badd0cf42
`,
  },
  {
    name: "version 3, Argon2i",
    fingerprint: "cAZoRi/7dfa75GNVMcnPs6YXhTPNKHYYvd22g6thVRM=",
    file: `PuTTY-User-Key-File-3: ssh-ed25519
Encryption: aes256-cbc
Comment: made by puttygen
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIFvV3s6/Safh0siT+JM1JGFvHxsA1bW5S4fAwgJf
7qPY
Key-Derivation: Argon2i
Argon2-Memory: 64
Argon2-Passes: 1
Argon2-Parallelism: 1
Argon2-Salt: 2cc7ec4d8df7188f1f6153ca4efb350b
Private-Lines: 1
4KU7vI2WEKLfhLlmO9RTpsnE+QpD2Z4MuvxvdOCEBpB5tLAPzfMnyROGIYNeHrrL
Private-MAC: 0aad9404ae16e32dc49fe56faa2c75c791da7a427dab5dc367d3a7c38c197052
`,
  },
  {
    name: "version 3, ECDSA",
    fingerprint: "yjUcq7Lh+1GEASS7k6Xr1FrKhKE4BVtvLbOilJSb7PE=",
    file: `PuTTY-User-Key-File-3: ecdsa-sha2-nistp384
Encryption: none
Comment: 
Public-Lines: 3
AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBGC818/P+vvO
Ya+MYl3mETt9+/dizTVnWcBaN4Yjcblymw5fb04mJsI8R3OYXsFJKDeccuB84bff
hAcMxb/vkb/F2AuujSabRWgkiwX39P9EXwSxnymg9ZMqQMJbbP0jMQ==
Private-Lines: 2
AAAAMQDsYZKL92+BfBRit7ToQ9FugylqI0LBVXtHteTCX46Kv33mlRxkj4H0l8Kp
PboHckw=
Private-MAC: 3b197ae58356e8f337f5213921a135a5ddb9b1691b0e685076112d67633f770b
`,
  },
  {
    name: "version 3, RSA",
    fingerprint: "NmTCO2B0JGb5hBZOCoL1s4wVjdlzlnvR5uxs8y+3v88=",
    file: `PuTTY-User-Key-File-3: ssh-rsa
Encryption: none
Comment: made by puttygen
Public-Lines: 4
AAAAB3NzaC1yc2EAAAADAQABAAAAgQCQnXUIDSrGXBl2X0Z6+dENL60H/iuG7cjB
8QSmWg/GLcNtbY4HH+8eSFUdzDkPkHc2K9dXc0RvFePHXLqCZ3YCqUhndGlUKqaS
ZiTgjdDZDSWNYBniCsNBRgsOevTerTGpIu9XzUzMJF7QR9yb6pMN9kKGGMXD+mnE
MEpoLvN/3w==
Private-Lines: 8
AAAAgHaODyZ1nO6XDGzFeMNST/aOcjzOOyLXhzCvhQ9XX/0pAUCRgtEGdgKOa/EM
vm6rEYAAev5/ScgD2wNSWriTVuNlsKvOluRdlZ0MBmXXpWEvf/z55wkTzXwHwNkj
s/SvawyZHdCfVgpeacu4uG/ep+4bhJLnDD8A7jQi00VzElzBAAAAQQDLJTy0mdQL
QPmrNsSq0ZqNc6nEDFnj5tSoO1NjuD1ueZDH/wYzuFCajedTii9rsXBJ9KgsFXOR
D4iXTXxNvbY/AAAAQQC2PbqB+CFhmrFe8C1wrGYaygydwPwlyBChWjAQkMx5ebpr
q71joSOtb+gs3Y3Udp9vFReJtU15vhRZfWsDZg5hAAAAQFc2aZu7CHlNFGBgEFqv
w8CT/cZUiRQfTEXugk95kt0bN/8jMXeYbV8MfgaOeBSoy7sEbNTp1lhJdt4WjhYW
wXE=
Private-MAC: 02f797fd8f6081074bd6bee493081569f7f5f313d4e3c7ab79e15e5317915029
`,
  },
];

describe("PuTTY keys", () => {
  for (const { name, fingerprint, file } of FILES) {
    const encrypted = file.includes("aes256-cbc");
    const passphrase = encrypted ? "secret" : null;

    test(`${name}: read with the fingerprint that ssh-keygen shows`, () => {
      for (const text of [file, file.replaceAll("\n", "\r\n")]) {
        const key = Key.fromString(text, { passphrase });
        expect(key.isPublic()).toBe(false);
        expect(key.fingerprint(FingerprintFormats.SHA256_BASE64)).toBe(fingerprint);
        expect(key.public().verify(key.sign("data"), "data")).toBe(true);
      }
    });

    test(`${name}: whatever else is a BadKeyError`, () => {
      expect(() => Key.fromString(file, { passphrase: encrypted ? "wrong" : "unused" })).toThrow(BadKeyError);
      if (encrypted) expect(() => Key.fromString(file)).toThrow(EncryptedKeyError);
      for (let length = 0; length < file.length - 1; length += 7) {
        expect(() => Key.fromString(file.slice(0, length), "private_putty", passphrase)).toThrow(BadKeyError);
      }
      for (let at = 0; at < file.length - 1; at += 7) {
        const changed = file.slice(0, at) + String.fromCharCode(file.charCodeAt(at) ^ 1) + file.slice(at + 1);
        expect(() => Key.fromString(changed, "private_putty", passphrase)).toThrow(BadKeyError);
      }
      expect(() => Key.fromString(`${file}\nmore`, { passphrase })).toThrow(BadKeyError);
    });
  }

  test("the comment comes along", () => {
    expect(readPutty(FILES[0]!.file, Buffer.from("secret")).comment).toBe("versch`l");
    expect(readPutty(FILES[4]!.file, null).comment).toBe("");
  });

  test("a key derivation that asks for too much is not begun", () => {
    const tooMuch = "the key derivation of the file asks for too much work";
    for (const [name, count] of [
      ["Memory", "262145"],
      ["Passes", "999999999"],
    ] as const) {
      const greedy = FILES[1]!.file.replace(new RegExp(`Argon2-${name}: \\d+`), `Argon2-${name}: ${count}`);
      expect(() => Key.fromString(greedy, { passphrase: "secret" })).toThrow(tooMuch);
    }
  });
});
