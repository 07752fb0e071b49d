/** The account that the tests run under, as a row of passwd. */
import { userInfo } from "node:os";

const { username, uid, gid } = userInfo();

export const ownAccount = {
  pw_name: username,
  pw_passwd: "x",
  pw_uid: uid,
  pw_gid: gid,
  pw_gecos: "",
  pw_dir: "/",
  pw_shell: "/bin/sh",
};
