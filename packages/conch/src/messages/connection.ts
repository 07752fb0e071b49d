/** Messages 80 to 127: the connection protocol (RFC 4254). */
import { boolean, bytes, rest, text, trailingText, uint32 } from "../wire/fields.js";
import { layout, message } from "../wire/message.js";

export const GlobalRequest = message("GLOBAL_REQUEST", 80, { type: text, wantReply: boolean, data: rest });
export const RequestSuccess = message("REQUEST_SUCCESS", 81, { data: rest });
export const RequestFailure = message("REQUEST_FAILURE", 82, { data: rest });
export const ChannelOpen = message("CHANNEL_OPEN", 90, {
  type: text,
  senderChannel: uint32,
  window: uint32,
  maxPacket: uint32,
  data: rest,
});
export const ChannelOpenConfirmation = message("CHANNEL_OPEN_CONFIRMATION", 91, {
  recipientChannel: uint32,
  senderChannel: uint32,
  window: uint32,
  maxPacket: uint32,
  data: rest,
});
export const ChannelOpenFailure = message("CHANNEL_OPEN_FAILURE", 92, {
  recipientChannel: uint32,
  reason: uint32,
  description: trailingText,
  language: trailingText,
});
export const ChannelWindowAdjust = message("CHANNEL_WINDOW_ADJUST", 93, { recipientChannel: uint32, bytes: uint32 });
export const ChannelData = message("CHANNEL_DATA", 94, { recipientChannel: uint32, data: bytes });
export const ChannelExtendedData = message("CHANNEL_EXTENDED_DATA", 95, {
  recipientChannel: uint32,
  type: uint32,
  data: bytes,
});
export const ChannelEof = message("CHANNEL_EOF", 96, { recipientChannel: uint32 });
export const ChannelClose = message("CHANNEL_CLOSE", 97, { recipientChannel: uint32 });
export const ChannelRequest = message("CHANNEL_REQUEST", 98, {
  recipientChannel: uint32,
  type: text,
  wantReply: boolean,
  data: rest,
});
export const ChannelSuccess = message("CHANNEL_SUCCESS", 99, { recipientChannel: uint32 });
export const ChannelFailure = message("CHANNEL_FAILURE", 100, { recipientChannel: uint32 });

// The data of channel requests (RFC 4254 section 6).
export const PtyRequest = layout("pty-req", {
  term: text,
  columns: uint32,
  rows: uint32,
  widthPixels: uint32,
  heightPixels: uint32,
  modes: bytes,
});
export const WindowChange = layout("window-change", {
  columns: uint32,
  rows: uint32,
  widthPixels: uint32,
  heightPixels: uint32,
});
export const Env = layout("env", { name: bytes, value: bytes });
export const Exec = layout("exec", { command: bytes });
export const Signal = layout("signal", { name: text });
export const Break = layout("break", { milliseconds: uint32 });
export const X11Req = layout("x11-req", { singleConnection: boolean, protocol: text, cookie: text, screen: uint32 });
export const X11Open = layout("open of an x11 channel", { originator: text, port: uint32 });
export const Subsystem = layout("subsystem", { name: text });
export const ExitStatus = layout("exit-status", { status: uint32 });
export const ExitSignal = layout("exit-signal", {
  signal: text,
  coreDumped: boolean,
  message: text,
  language: text,
});
