import { closeSync, readdirSync, readFileSync } from 'node:fs'

/** O_CLOEXEC in the octal flags of /proc/PID/fdinfo (proc_pid_fdinfo(5)); node opens all of its own descriptors with it. */
const CLOEXEC = 0o2000000

const isInherited = (fd: string): boolean => {
  try {
    const [, flags = ''] = /^flags:\s*([0-7]+)$/mu.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? []
    return flags !== '' && (Number.parseInt(flags, 8) & CLOEXEC) === 0
  } catch {
    return false // closed meanwhile
  }
}

/**
 * Closes the descriptors >= 3 that this process was started with, such as the pipe of a script that waits for its end:
 * node hands those above 15 on. For the first moment of a process that stays; on macOS libuv closes them at the spawn.
 */
export const closeInherited = (): void => {
  if (process.platform !== 'linux') return
  for (const fd of readdirSync('/proc/self/fd')) {
    if (Number(fd) < 3 || !isInherited(fd)) continue
    try {
      closeSync(Number(fd))
    } catch {
      // was closed meanwhile
    }
  }
}
