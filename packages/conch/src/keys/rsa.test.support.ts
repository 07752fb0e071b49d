/** An RSA key that tests share where any would do: each takes a good part of a second to make. */
import { Key } from "../ssh/keys.js";

export const RSA = Key.generate("rsa", 2048);
