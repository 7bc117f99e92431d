import type { ProcessSample } from '../../src/ports/process-table.port.ts'

/** A process in the foreground that sleeps and has used nothing, as a look would see it. */
export const processSample = (pid: number, more: Partial<ProcessSample> = {}): ProcessSample => ({
  pid,
  startTime: '1',
  bootId: 'b',
  ppid: 1,
  pgid: pid,
  state: 'S',
  argv: ['make'],
  cpuMs: 0,
  childrenCpuMs: 0,
  rssBytes: 0,
  sharedBytes: 0,
  foreground: pid,
  ...more,
})
