/** Errors of cred (twisted.cred.error). */

/** A generic mark of refusal; `UnauthorizedLogin` is an instance of it too. */
export class Unauthorized extends Error {
  override readonly name: string = "Unauthorized";
  readonly code: string = "ERR_CRED_UNAUTHORIZED";

  /** An error has one parent class here, and `UnauthorizedLogin` has two in Twisted: this is how it counts as both. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(this, value) || (this === Unauthorized && value instanceof UnauthorizedLogin);
  }
}

/** Any login that failed. */
export class LoginFailed extends Error {
  override readonly name: string = "LoginFailed";
  readonly code: string = "ERR_CRED_LOGIN_FAILED";
}

/** The credentials were refused: no such user, or not the user's secret. */
export class UnauthorizedLogin extends LoginFailed {
  override readonly name: string = "UnauthorizedLogin";
  override readonly code: string = "ERR_CRED_UNAUTHORIZED_LOGIN";
}

/** The password is right, and no longer good: it must be changed first. */
export class PasswordChangeRequired extends UnauthorizedLogin {
  override readonly name: string = "PasswordChangeRequired";
  override readonly code: string = "ERR_CRED_PASSWORD_CHANGE_REQUIRED";

  /** @param prompt what the user is asked, such as "Your password has expired. New password: ". */
  constructor(readonly prompt: string) {
    super("the password must be changed");
  }
}

/** The portal has no checker for this kind of credentials: how the server is set up, not who logs in. */
export class UnhandledCredentials extends LoginFailed {
  override readonly name: string = "UnhandledCredentials";
  override readonly code: string = "ERR_CRED_UNHANDLED_CREDENTIALS";
}

/** The realm refused a user whose credentials are good. */
export class LoginDenied extends LoginFailed {
  override readonly name: string = "LoginDenied";
  override readonly code: string = "ERR_CRED_LOGIN_DENIED";
}

function isInstance(type: typeof Unauthorized, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(type, value);
}
