/**
 * Small buffers that live as long as a connection. Node's own pool would serve them from pages that a login's many
 * short-lived buffers share, and each page lives as long as its last buffer: 8 KiB held for 36 bytes.
 */
const PAGE = 4096; // bytes

let page = Buffer.alloc(0);
let taken = 0;

/** So many bytes, all 0. */
export function keepsake(length: number): Buffer {
  if (taken + length > page.length) {
    page = Buffer.from(new ArrayBuffer(Math.max(PAGE, length)));
    taken = 0;
  }
  taken += length;
  return page.subarray(taken - length, taken);
}
