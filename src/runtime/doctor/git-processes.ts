import { spawnSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import { pause } from '../../ports/clock.port.ts'

/** A git that outlived the run which started it ends soon; a check-out of a large repository may take longer. */
const PATIENCE_MS = 5_000
const LOOK_EVERY_MS = 50

/** Command lines and environments of the git processes of this machine, as far as they can be read. */
const gitProcesses = async (): Promise<readonly string[]> => {
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('ps', ['-axwwE', '-o', 'command='], { encoding: 'utf8', maxBuffer: 64 << 20 })
    return (stdout ?? '').split('\n').filter((line) => /^(\S*\/)?git(-\S+)? /.test(line))
  }
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const program = basename(command.split('\0')[0] ?? '')
    if (program !== 'git' && !program.startsWith('git-')) continue
    // A check-out runs in a child that knows the worktree only by its environment.
    found.push(`${command}\0${await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')}`)
  }
  return found
}

const mentions = (text: string, path: string): boolean => {
  const at = text.indexOf(path)
  // A longer name of which this is the beginning is another worktree.
  return at >= 0 && !/[A-Za-z0-9._-]/.test(text[at + path.length] ?? '')
}

/**
 * `kill -9` of a run does not end the git that it has started: that goes on adding or removing a worktree. Waits for it.
 * @returns whether no git works on the worktree at `path` any more
 */
export const gitIsDone = async (path: string): Promise<boolean> => {
  const until = systemClock.monotonic() + PATIENCE_MS
  for (;;) {
    if (!(await gitProcesses()).some((text) => mentions(text, path))) return true
    if (systemClock.monotonic() >= until) return false
    await pause(systemClock, LOOK_EVERY_MS)
  }
}
