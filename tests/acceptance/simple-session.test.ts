import { openSSH } from "../support/openssh.js";
import { simpleSessionSuite } from "./simple-session.suite.js";

simpleSessionSuite(openSSH());
