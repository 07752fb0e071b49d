/** The form on the terminal of the process itself, without SSH. */
import { runWithProtocol } from "@strombus/conch/stdio";
import { Form } from "./form.js";

await runWithProtocol(Form);
