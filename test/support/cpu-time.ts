/** Milliseconds of processor time that this thread has used: what a bound on work is held against on a busy machine. */
export function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
