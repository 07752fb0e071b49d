/** Messages 50 to 79: user authentication (RFC 4252, RFC 4256). */
import { boolean, byte, bytes, counted, nameList, rest, text, trailingText } from "../wire/fields.js";
import { layout, message } from "../wire/message.js";

/** `user` is bytes here: what is not valid UTF-8 is a failure of authentication, not of the protocol. */
export const UserauthRequest = message("USERAUTH_REQUEST", 50, {
  user: bytes,
  service: text,
  method: text,
  data: rest,
});
export const UserauthFailure = message("USERAUTH_FAILURE", 51, { methods: nameList, partialSuccess: boolean });
export const UserauthSuccess = message("USERAUTH_SUCCESS", 52, {});
export const UserauthBanner = message("USERAUTH_BANNER", 53, { message: text, language: trailingText });

// Numbers 60 to 79 belong to the method in use (RFC 4252 section 6).
export const UserauthPkOk = message("USERAUTH_PK_OK", 60, { algorithm: text, blob: bytes });
export const UserauthPasswdChangereq = message("USERAUTH_PASSWD_CHANGEREQ", 60, {
  prompt: text,
  language: trailingText,
});
export const UserauthInfoRequest = message("USERAUTH_INFO_REQUEST", 60, {
  name: text,
  instruction: text,
  language: text,
  prompts: counted({ prompt: text, echo: boolean }),
});
export const UserauthInfoResponse = message("USERAUTH_INFO_RESPONSE", 61, { answers: counted({ answer: bytes }) });

/** Method data of a `password` request; with `change` set the new password follows (RFC 4252 section 8). */
export const PasswordData = layout("password request", { change: boolean, password: bytes, tail: rest });

/** Method data of a `publickey` request; the flag is kept as it came, since it is signed (RFC 4252 section 7). */
export const PublicKeyData = layout("publickey request", {
  hasSignature: byte,
  algorithm: text,
  blob: bytes,
  tail: rest,
});

/** Method data of a `publickey-hostbound-v00@openssh.com` request (OpenSSH PROTOCOL section 3.1). */
export const HostBoundData = layout("host-bound publickey request", {
  hasSignature: byte,
  algorithm: text,
  blob: bytes,
  hostKey: bytes,
  tail: rest,
});

/** Method data of a `keyboard-interactive` request (RFC 4256 section 3.1). */
export const KeyboardInteractiveData = layout("keyboard-interactive request", { language: text, submethods: text });

/** What a `publickey` signature covers (RFC 4252 section 7). */
export const PublicKeySigned = layout("publickey signature", {
  sessionID: bytes,
  number: byte,
  user: bytes,
  service: text,
  method: text,
  hasSignature: byte,
  algorithm: text,
  blob: bytes,
});

/** What the signature of a host-bound request covers: the same, then the server's host key. */
export const HostBoundSigned = layout("host-bound publickey signature", {
  ...PublicKeySigned.fields,
  hostKey: bytes,
});

/** Method data of a `hostbased` request (RFC 4252 section 9). */
export const HostBasedData = layout("hostbased request", {
  algorithm: text,
  blob: bytes,
  hostname: text,
  clientUsername: text,
  signature: bytes,
});

/** What a `hostbased` signature covers (RFC 4252 section 9). */
export const HostBasedSigned = layout("hostbased signature", {
  sessionID: bytes,
  number: byte,
  user: bytes,
  service: text,
  method: text,
  algorithm: text,
  blob: bytes,
  hostname: text,
  clientUsername: text,
});
