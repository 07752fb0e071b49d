/** Errors of strcred. */

export class StrcredException extends Error {
  override readonly name: string = "StrcredException";
  readonly code: string = "ERR_STRCRED";
}

/** There is no such kind of checker. */
export class InvalidAuthType extends StrcredException {
  override readonly name = "InvalidAuthType";
  override readonly code = "ERR_STRCRED_TYPE";
}

/** What stands behind the colon is not what this kind takes. */
export class InvalidAuthArgumentString extends StrcredException {
  override readonly name = "InvalidAuthArgumentString";
  override readonly code = "ERR_STRCRED_ARGUMENT";
}

/** The program can use none of what the checker checks. */
export class UnsupportedInterfaces extends StrcredException {
  override readonly name = "UnsupportedInterfaces";
  override readonly code = "ERR_STRCRED_INTERFACES";

  constructor(readonly interfaces: readonly { readonly name: string }[]) {
    super(interfaces.map(({ name }) => name).join(", "));
  }
}
