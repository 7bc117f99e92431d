import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** @returns the parent of a process, or null when it cannot be told. */
const parentOf = (pid: number): number | null => {
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' })
    return Number(stdout) || null
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may itself hold parentheses; the parent is field 4. Source: proc_pid_stat(5)
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) || null
  } catch {
    return null
  }
}

/** This process and all above it, whether they carry our marker or not: doctor must not end the shell that it was called from. */
export const ownLine = (): ReadonlySet<number> => {
  const line = new Set<number>()
  for (let pid: number | null = process.pid; pid !== null && pid > 0 && !line.has(pid); pid = parentOf(pid)) line.add(pid)
  return line
}
