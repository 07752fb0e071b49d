/** RSA keys for tests that any would do for: each takes a good part of a second to make, so each is made once a process. */
import { Key } from "@strombus/conch/ssh/keys";

const made: Key[] = [];

/** @param number which one, where a test needs several */
export function rsaKey(number = 0): Key {
  return (made[number] ??= Key.generate("rsa", 3072));
}
