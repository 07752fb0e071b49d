/** How full the heap is: apart from what asks, for `node:v8` to be loaded with the first client instead of the server. */
import { getHeapStatistics } from "node:v8";

/** The part of what V8 may use that it does use, 0 to 1. */
export function heapFill(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return used / limit;
}
