declare module "bcrypt-pbkdf" {
  const bcrypt: {
    /** Fills `key` with `keylen` bytes; 0 on success, -1 when an argument cannot be used. */
    pbkdf(
      pass: Uint8Array,
      passlen: number,
      salt: Uint8Array,
      saltlen: number,
      key: Uint8Array,
      keylen: number,
      rounds: number,
    ): 0 | -1;
  };
  export default bcrypt;
}
