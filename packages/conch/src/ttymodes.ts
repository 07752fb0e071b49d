/** Terminal modes as they travel (twisted.conch.ttymodes; RFC 4254 section 8): opcodes, and what they stand for. */

// Control characters
export const VINTR = 1;
export const VQUIT = 2;
export const VERASE = 3;
export const VKILL = 4;
export const VEOF = 5;
export const VEOL = 6;
export const VEOL2 = 7;
export const VSTART = 8;
export const VSTOP = 9;
export const VSUSP = 10;
export const VDSUSP = 11;
export const VREPRINT = 12;
export const VWERASE = 13;
export const VLNEXT = 14;
export const VFLUSH = 15;
export const VSWTCH = 16;
export const VSTATUS = 17;
export const VDISCARD = 18;

// Input flags
export const IGNPAR = 30;
export const PARMRK = 31;
export const INPCK = 32;
export const ISTRIP = 33;
export const INLCR = 34;
export const IGNCR = 35;
export const ICRNL = 36;
export const IUCLC = 37;
export const IXON = 38;
export const IXANY = 39;
export const IXOFF = 40;
export const IMAXBEL = 41;
/** RFC 8160. */
export const IUTF8 = 42;

// Local flags
export const ISIG = 50;
export const ICANON = 51;
export const XCASE = 52;
export const ECHO = 53;
export const ECHOE = 54;
export const ECHOK = 55;
export const ECHONL = 56;
export const NOFLSH = 57;
export const TOSTOP = 58;
export const IEXTEN = 59;
export const ECHOCTL = 60;
export const ECHOKE = 61;
export const PENDIN = 62;

// Output flags
export const OPOST = 70;
export const OLCUC = 71;
export const ONLCR = 72;
export const OCRNL = 73;
export const ONOCR = 74;
export const ONLRET = 75;

// Control flags
export const CS7 = 90;
export const CS8 = 91;
export const PARENB = 92;
export const PARODD = 93;

// Speeds, in bits a second
export const TTY_OP_ISPEED = 128;
export const TTY_OP_OSPEED = 129;

/** The group of flags that a mode belongs to, as in a termios structure. */
export type FlagGroup = "input" | "output" | "control" | "local";

/** An opcode's control character or speed, or its group and flag. The character sizes CS7 and CS8 are no flags. */
export const TTYMODES: ReadonlyMap<number, string | readonly [group: FlagGroup, name: string]> = new Map<
  number,
  string | readonly [FlagGroup, string]
>([
  [VINTR, "VINTR"],
  [VQUIT, "VQUIT"],
  [VERASE, "VERASE"],
  [VKILL, "VKILL"],
  [VEOF, "VEOF"],
  [VEOL, "VEOL"],
  [VEOL2, "VEOL2"],
  [VSTART, "VSTART"],
  [VSTOP, "VSTOP"],
  [VSUSP, "VSUSP"],
  [VDSUSP, "VDSUSP"],
  [VREPRINT, "VREPRINT"],
  [VWERASE, "VWERASE"],
  [VLNEXT, "VLNEXT"],
  [VFLUSH, "VFLUSH"],
  [VSWTCH, "VSWTCH"],
  [VSTATUS, "VSTATUS"],
  [VDISCARD, "VDISCARD"],
  [IGNPAR, ["input", "IGNPAR"]],
  [PARMRK, ["input", "PARMRK"]],
  [INPCK, ["input", "INPCK"]],
  [ISTRIP, ["input", "ISTRIP"]],
  [INLCR, ["input", "INLCR"]],
  [IGNCR, ["input", "IGNCR"]],
  [ICRNL, ["input", "ICRNL"]],
  [IUCLC, ["input", "IUCLC"]],
  [IXON, ["input", "IXON"]],
  [IXANY, ["input", "IXANY"]],
  [IXOFF, ["input", "IXOFF"]],
  [IMAXBEL, ["input", "IMAXBEL"]],
  [IUTF8, ["input", "IUTF8"]],
  [ISIG, ["local", "ISIG"]],
  [ICANON, ["local", "ICANON"]],
  [XCASE, ["local", "XCASE"]],
  [ECHO, ["local", "ECHO"]],
  [ECHOE, ["local", "ECHOE"]],
  [ECHOK, ["local", "ECHOK"]],
  [ECHONL, ["local", "ECHONL"]],
  [NOFLSH, ["local", "NOFLSH"]],
  [TOSTOP, ["local", "TOSTOP"]],
  [IEXTEN, ["local", "IEXTEN"]],
  [ECHOCTL, ["local", "ECHOCTL"]],
  [ECHOKE, ["local", "ECHOKE"]],
  [PENDIN, ["local", "PENDIN"]],
  [OPOST, ["output", "OPOST"]],
  [OLCUC, ["output", "OLCUC"]],
  [ONLCR, ["output", "ONLCR"]],
  [OCRNL, ["output", "OCRNL"]],
  [ONOCR, ["output", "ONOCR"]],
  [ONLRET, ["output", "ONLRET"]],
  [PARENB, ["control", "PARENB"]],
  [PARODD, ["control", "PARODD"]],
  [TTY_OP_ISPEED, "ISPEED"],
  [TTY_OP_OSPEED, "OSPEED"],
]);
