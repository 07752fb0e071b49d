/** How much memory this process has come to use. */

/** In MiB, above what it used when this was called. */
export function growth(): () => number {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
  timer.unref();
  return () => {
    clearInterval(timer);
    return Math.max(0, Math.round((Math.max(most, process.memoryUsage.rss()) - before) / 2 ** 20));
  };
}
