/** Numbers of SFTP, version 3 (draft-ietf-secsh-filexfer-02), under their names in Twisted. */
import * as messages from "../messages/sftp.js";

export {
  FILEXFER_ATTR_ACMODTIME,
  FILEXFER_ATTR_EXTENDED,
  FILEXFER_ATTR_PERMISSIONS,
  FILEXFER_ATTR_SIZE,
  FILEXFER_ATTR_UIDGID,
  FILEXFER_ATTR_UIDGID as FILEXFER_ATTR_OWNERGROUP,
} from "../messages/sftp.js";

// Types of packets (section 3).
export const FXP_INIT = messages.Init.number;
export const FXP_VERSION = messages.Version.number;
export const FXP_OPEN = messages.Open.number;
export const FXP_CLOSE = messages.Close.number;
export const FXP_READ = messages.Read.number;
export const FXP_WRITE = messages.Write.number;
export const FXP_LSTAT = messages.Lstat.number;
export const FXP_FSTAT = messages.Fstat.number;
export const FXP_SETSTAT = messages.Setstat.number;
export const FXP_FSETSTAT = messages.Fsetstat.number;
export const FXP_OPENDIR = messages.Opendir.number;
export const FXP_READDIR = messages.Readdir.number;
export const FXP_REMOVE = messages.Remove.number;
export const FXP_MKDIR = messages.Mkdir.number;
export const FXP_RMDIR = messages.Rmdir.number;
export const FXP_REALPATH = messages.Realpath.number;
export const FXP_STAT = messages.Stat.number;
export const FXP_RENAME = messages.Rename.number;
export const FXP_READLINK = messages.Readlink.number;
export const FXP_SYMLINK = messages.Symlink.number;
export const FXP_STATUS = messages.Status.number;
export const FXP_HANDLE = messages.Handle.number;
export const FXP_DATA = messages.Data.number;
export const FXP_NAME = messages.Name.number;
export const FXP_ATTRS = messages.Attrs.number;
export const FXP_EXTENDED = messages.Extended.number;
export const FXP_EXTENDED_REPLY = messages.ExtendedReply.number;

// What a file is, in later versions of the protocol.
export const FILEXFER_TYPE_REGULAR = 1;
export const FILEXFER_TYPE_DIRECTORY = 2;
export const FILEXFER_TYPE_SYMLINK = 3;
export const FILEXFER_TYPE_SPECIAL = 4;
export const FILEXFER_TYPE_UNKNOWN = 5;

// How a file is opened (section 6.3): bits.
export const FXF_READ = 0x01;
export const FXF_WRITE = 0x02;
export const FXF_APPEND = 0x04;
export const FXF_CREAT = 0x08;
export const FXF_TRUNC = 0x10;
export const FXF_EXCL = 0x20;
export const FXF_TEXT = 0x40;

// What a STATUS says (section 7).
export const FX_OK = 0;
export const FX_EOF = 1;
export const FX_NO_SUCH_FILE = 2;
export const FX_PERMISSION_DENIED = 3;
export const FX_FAILURE = 4;
export const FX_BAD_MESSAGE = 5;
export const FX_NO_CONNECTION = 6;
export const FX_CONNECTION_LOST = 7;
export const FX_OP_UNSUPPORTED = 8;
export const FX_FILE_ALREADY_EXISTS = 11; // of a later version
export const FX_NOT_A_DIRECTORY = FX_FAILURE;
export const FX_FILE_IS_A_DIRECTORY = FX_FAILURE;
