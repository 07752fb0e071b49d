/** Key exchange methods by name, best first. Which of them a transport offers is its own list. */
import { curveMethod, type Curve } from "./curve.js";
import { nistp256, nistp384, nistp521 } from "./ecdh.js";
import { fixedGroup } from "./group.js";
import { hybrid } from "./hybrid.js";
import { SNTRUP761_SIZES } from "./kem.js";
import type { GroupExchangeMethod, HashName, Method } from "./method.js";
import { mlkem, MLKEM_SIZES, type MlKemName } from "./mlkem.js";
import { sntrup761 } from "./sntrup761.js";
import { x25519 } from "./x25519.js";

const groupExchange = (name: string, hash: HashName): GroupExchangeMethod => ({ kind: "groupExchange", name, hash });

const mlkemHybrid = (name: string, kem: MlKemName, curve: Curve, hash: HashName) =>
  hybrid(name, MLKEM_SIZES[kem], () => mlkem(kem), curve, hash);
const sntrupHybrid = (name: string) => hybrid(name, SNTRUP761_SIZES, sntrup761, x25519, "sha512");

const rows: readonly Method[] = [
  mlkemHybrid("mlkem768x25519-sha256", "ml-kem-768", x25519, "sha256"),
  mlkemHybrid("mlkem1024nistp384-sha384", "ml-kem-1024", nistp384, "sha384"),
  mlkemHybrid("mlkem768nistp256-sha256", "ml-kem-768", nistp256, "sha256"),
  sntrupHybrid("sntrup761x25519-sha512"),
  sntrupHybrid("sntrup761x25519-sha512@openssh.com"),
  curveMethod("curve25519-sha256", x25519, "sha256"),
  curveMethod("curve25519-sha256@libssh.org", x25519, "sha256"),
  curveMethod("ecdh-sha2-nistp256", nistp256, "sha256"),
  curveMethod("ecdh-sha2-nistp384", nistp384, "sha384"),
  curveMethod("ecdh-sha2-nistp521", nistp521, "sha512"),
  groupExchange("diffie-hellman-group-exchange-sha256", "sha256"),
  fixedGroup("diffie-hellman-group16-sha512", "modp16", "sha512"),
  fixedGroup("diffie-hellman-group18-sha512", "modp18", "sha512"),
  fixedGroup("diffie-hellman-group14-sha256", "modp14", "sha256"),
  groupExchange("diffie-hellman-group-exchange-sha1", "sha1"),
  fixedGroup("diffie-hellman-group14-sha1", "modp14", "sha1"),
];

export const methods: ReadonlyMap<string, Method> = new Map(rows.map((method) => [method.name, method]));
