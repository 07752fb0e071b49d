/** How far a transfer is. */

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** The file of a transfer: its name, its size and how much of it is done, in bytes. */
export class FileWrapper {
  readonly name: string;
  size = 0;
  total = 0;

  constructor(file: { readonly name: string }) {
    this.name = file.name;
  }
}

/** One decimal, and a larger unit from above 1024 of a smaller on. */
export function abbrevSize(bytes: number): string {
  let [size, unit] = [bytes, 0];
  for (; size > 1024 && unit < UNITS.length - 1; unit++) size /= 1024;
  return `${size.toFixed(1)}${UNITS[unit]}`;
}

/** Minutes and seconds, above an hour hours too. */
export function abbrevTime(seconds: number): string {
  const whole = Math.trunc(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.trunc(whole / 60);
  if (seconds <= 3600) return `${two(minutes)}:${two(whole % 60)}`;
  return `${Math.trunc(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** The line of a transfer that has run for so many seconds, as wide as a terminal less one column. */
export function progressLine({ name, size, total }: FileWrapper, seconds: number, width: number): string {
  const rate = seconds > 0 ? total / seconds : 0;
  const left = rate === 0 ? 0 : Math.max(0, (size - total) / rate);
  const percent = size === 0 ? 100 : Math.trunc((total * 100) / size);
  const right = `${String(percent).padStart(3)}% ${abbrevSize(total)} ${abbrevSize(rate)}ps ${abbrevTime(left)} `;
  return `${name.padEnd(width - right.length - 1)}${right}`;
}
