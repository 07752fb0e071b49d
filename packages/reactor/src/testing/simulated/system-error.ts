/** Errors as the system reports them through Node. */
import { constants } from "node:os";

export function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  const errno = -((constants.errno as Record<string, number>)[code] ?? 0);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno, syscall });
}
