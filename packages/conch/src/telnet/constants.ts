/** The numbers of telnet, each with the RFC that gives it. */

// The terminal that both sides begin with (RFC 854)
export const NULL = 0;
export const BEL = 7;
export const BS = 8;
export const HT = 9;
export const LF = 10;
export const VT = 11;
export const FF = 12;
export const CR = 13;

// Options
export const BINARY = 0; // RFC 856
export const ECHO = 1; // RFC 857
export const SGA = 3; // suppress go ahead, RFC 858
export const STATUS = 5; // RFC 859
export const TTYPE = 24; // terminal type, RFC 1091
export const EOR_OPTION = 25; // end of record, RFC 885; the command is EOR
export const NAWS = 31; // window size, RFC 1073
export const TSPEED = 32; // RFC 1079
export const LFLOW = 33; // RFC 1372
export const LINEMODE = 34; // RFC 1184
export const NEW_ENVIRON = 39; // RFC 1572
export const CHARSET = 42; // RFC 2066

// Commands (RFC 854, RFC 1184, RFC 885)
export const LINEMODE_EOF = 236;
export const LINEMODE_SUSP = 237;
export const LINEMODE_ABORT = 238;
export const EOR = 239;
export const SE = 240;
export const NOP = 241;
export const DM = 242;
export const BRK = 243;
export const IP = 244;
export const AO = 245;
export const AYT = 246;
export const EC = 247;
export const EL = 248;
export const GA = 249;
export const SB = 250;
export const WILL = 251;
export const WONT = 252;
export const DO = 253;
export const DONT = 254;
export const IAC = 255;

// What LINEMODE negotiates (RFC 1184)
export const LINEMODE_MODE = 1;
export const LINEMODE_EDIT = 1;
export const LINEMODE_TRAPSIG = 2;
export const LINEMODE_MODE_ACK = 4;
export const LINEMODE_SOFT_TAB = 8;
export const LINEMODE_LIT_ECHO = 16;
export const LINEMODE_FORWARDMASK = 2;
export const LINEMODE_SLC = 3;
export const MODE = LINEMODE_MODE;
export const EDIT = LINEMODE_EDIT;
export const TRAPSIG = LINEMODE_TRAPSIG;
export const MODE_ACK = LINEMODE_MODE_ACK;
export const SOFT_TAB = LINEMODE_SOFT_TAB;
export const LIT_ECHO = LINEMODE_LIT_ECHO;

export const LINEMODE_SLC_SYNCH = 1;
export const LINEMODE_SLC_BRK = 2;
export const LINEMODE_SLC_IP = 3;
export const LINEMODE_SLC_AO = 4;
export const LINEMODE_SLC_AYT = 5;
export const LINEMODE_SLC_EOR = 6;
export const LINEMODE_SLC_ABORT = 7;
export const LINEMODE_SLC_EOF = 8;
export const LINEMODE_SLC_SUSP = 9;
export const LINEMODE_SLC_EC = 10;
export const LINEMODE_SLC_EL = 11;
export const LINEMODE_SLC_EW = 12;
export const LINEMODE_SLC_RP = 13;
export const LINEMODE_SLC_LNEXT = 14;
export const LINEMODE_SLC_XON = 15;
export const LINEMODE_SLC_XOFF = 16;
export const LINEMODE_SLC_FORW1 = 17;
export const LINEMODE_SLC_FORW2 = 18;
export const LINEMODE_SLC_MCL = 19;
export const LINEMODE_SLC_MCR = 20;
export const LINEMODE_SLC_MCWL = 21;
export const LINEMODE_SLC_MCWR = 22;
export const LINEMODE_SLC_MCBOL = 23;
export const LINEMODE_SLC_MCEOL = 24;
export const LINEMODE_SLC_INSRT = 25;
export const LINEMODE_SLC_OVER = 26;
export const LINEMODE_SLC_ECR = 27;
export const LINEMODE_SLC_EWR = 28;
export const LINEMODE_SLC_EBOL = 29;
export const LINEMODE_SLC_EEOL = 30;
export const LINEMODE_SLC_NOSUPPORT = 0;
export const LINEMODE_SLC_CANTCHANGE = 1;
export const LINEMODE_SLC_VALUE = 2;
export const LINEMODE_SLC_DEFAULT = 3;
export const LINEMODE_SLC_LEVELBITS = 3;
export const LINEMODE_SLC_ACK = 128;
export const LINEMODE_SLC_FLUSHIN = 64;
export const LINEMODE_SLC_FLUSHOUT = 32;
