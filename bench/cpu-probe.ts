/**
 * Preloaded into every server (`node --import`): answers over the IPC channel how much CPU time and memory the whole
 * process has used, all its threads included, and stops it when the benchmark is gone.
 */
process.on('message', (question) => {
  if (question !== 'cpu') return;
  const { user, system } = process.cpuUsage();
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  process.send?.({ cpuMicros: user + system, atMs: performance.now(), peakBytes });
});
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
