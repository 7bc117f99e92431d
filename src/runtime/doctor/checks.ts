import { spawnSync } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir, readFile, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createCgroups } from '../../adapters/cgroups.ts'
import { createProcessTable } from '../../adapters/process-table.ts'
import { locatePaneHolder } from '../../adapters/tmux/holder-path.ts'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../../adapters/system/system-random.adapter.ts'
import type { Cgroups } from '../../ports/cgroups.port.ts'
import { createIdFactory } from '../../protocols/id-factory.ts'
import { CATALOGUE } from '../../protocols/error-catalogue.ts'
import type { DoctorCheck } from '../../protocols/doctor.ts'
import { isSignalboxError, toErrorRecord } from '../../protocols/errors.ts'
import { execHelperPath, locateExecHelper } from '../../terminal-host/exec-helper.ts'
import { LIMIT_NAMES } from '../../protocols/limits.ts'
import { PROCESS_BOUNDS } from '../../terminal-host/hold.ts'
import { createInProcessTerminalHost } from '../../terminal-host/in-process-host.ts'

/** Below it a run of a few lanes is likely to fill the disk. */
const DISK_FLOOR_BYTES = 1_000_000_000
/** A terminal takes one descriptor and its log another; 300 of each, and some for git and the store. */
const FDS_FLOOR = 1_024

export const passed = (name: string, detail: string): DoctorCheck => ({ name, ok: true, detail, remedy: null })

/** A check that failed with an error of the catalogue: its remedy is the catalogue's. */
export const failedBy = (name: string, error: unknown): DoctorCheck => {
  const remedy = isSignalboxError(error) ? CATALOGUE[error.code].next : null
  return { name, ok: false, detail: toErrorRecord(error).message, remedy }
}

const checkNode = (): DoctorCheck => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const ok = major > 24 || (major === 24 && minor >= 18)
  return { name: 'node', ok, detail: `Node.js ${process.versions.node}`, remedy: ok ? null : CATALOGUE.ERR_NODE_TOO_OLD.next }
}

/**
 * Builds the helper where it is missing and `fix` is set.
 * @param path `native/build/exec-helper` of an installation
 * @param holder the program beside it that holds terminals of tmux, built with it. @defaultValue not looked for
 */
export const checkHelper = (fix: boolean, path: string, holder?: string): DoctorCheck => {
  try {
    const helper = locateExecHelper(path)
    if (holder !== undefined) locatePaneHolder(holder)
    return passed('exec-helper', helper)
  } catch (error) {
    if (!fix) return failedBy('exec-helper', error)
    const script = join(dirname(dirname(path)), 'build.mjs')
    // A file that is there and cannot be executed is newer than its source: `--force`.
    const built = spawnSync(process.execPath, [script, '--force'], { encoding: 'utf8' })
    return built.status === 0
      ? passed('exec-helper', `built at ${path}`)
      : {
          name: 'exec-helper',
          ok: false,
          detail: built.stderr.trim() || `${script} failed`,
          remedy: 'Install a C compiler (cc), then run `signalbox doctor --fix` again.',
        }
  }
}

const failedTrial = (exitCode: number | null): DoctorCheck => ({
  name: 'pty',
  ok: false,
  detail: `a test process ended with ${exitCode}`,
  remedy: 'Report this.',
})

/** Starts a terminal for a moment. @returns also whether its process was in a control group of its own */
const checkPty = async (cwd: string, cgroups: Cgroups): Promise<{ readonly pty: DoctorCheck; readonly joined: boolean }> => {
  const host = createInProcessTerminalHost({ clock: systemClock, processTable: createProcessTable(), cgroups })
  const ptyId = createIdFactory({ clock: systemClock, random: systemRandom }).next('pty')
  const mark = `doctor/${ptyId}/1`
  try {
    const pty = await host.spawn({
      ptyId,
      argv: ['/bin/sh', '-c', 'cat /proc/self/cgroup 2>/dev/null; exit 0'],
      env: { SIGNALBOX_MARK: mark, PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      cwd,
      mark,
    })
    const { exitCode } = await pty.exited
    const joined = Buffer.from(await pty.tail(16_384)).includes(`.${ptyId}.`)
    const check = exitCode === 0 ? passed('pty', 'a process runs on a terminal') : failedTrial(exitCode)
    return { pty: check, joined }
  } catch (error) {
    return { pty: failedBy('pty', error), joined: false }
  } finally {
    await host.close(0)
  }
}

/** The directory itself, or the nearest above it that is there: without `fix` nothing is made. */
const nearest = async (path: string): Promise<string> =>
  access(path).then(
    () => path,
    (error: unknown) => ((error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(path) !== path ? nearest(dirname(path)) : path),
  )

export const checkDisk = async (stateHome: string, fix: boolean): Promise<DoctorCheck> => {
  const directory = join(stateHome, 'signalbox')
  try {
    if (fix) await mkdir(directory, { recursive: true, mode: 0o700 })
    const present = await nearest(directory)
    await access(present, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = await statfs(present)
    const free = bavail * bsize
    const detail = `${(free / 1e9).toFixed(1)} GB free for ${directory}`
    return {
      name: 'disk',
      ok: free >= DISK_FLOOR_BYTES,
      detail,
      remedy: free >= DISK_FLOOR_BYTES ? null : 'Free at least 1 GB, or set XDG_STATE_HOME to another disk.',
    }
  } catch (error) {
    return {
      name: 'disk',
      ok: false,
      detail: `${directory}: ${toErrorRecord(error).message}`,
      remedy: 'Make the directory writable, or set XDG_STATE_HOME.',
    }
  }
}

const checkFds = async (): Promise<DoctorCheck> => {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const soft = /^Max open files\s+(\d+|unlimited)/mu.exec(limits)?.[1]
  if (soft === undefined) return { name: 'fds', ok: null, detail: 'the limit of open files cannot be read here', remedy: null }
  const ok = soft === 'unlimited' || Number(soft) >= FDS_FLOOR
  return { name: 'fds', ok, detail: `${soft} open files allowed`, remedy: ok ? null : `Raise it: ulimit -n ${FDS_FLOOR * 4}` }
}

const ESCAPE = 'what a terminal starts is found by its marker, which a process that wipes its environment escapes'

/** Informs: without them terminals are ended too, but for what escapes. @param joined whether a terminal of ours was in a group of its own */
const checkCgroups = (cgroups: Cgroups, joined: boolean): DoctorCheck => {
  const { contain } = cgroups.support()
  if (contain.ok && joined)
    return passed('cgroups', `each terminal has a control group (${contain.how}): all that it starts is found and ended`)
  const why = contain.ok ? `the system does not let processes join (${contain.how})` : contain.why
  return { name: 'cgroups', ok: null, detail: `no control groups: ${why}; ${ESCAPE}`, remedy: null }
}

/** What `limits` of a command become here. */
const checkLimits = (cgroups: Cgroups): DoctorCheck => {
  const { limits } = cgroups.support()
  const told = LIMIT_NAMES.map((name) => {
    const [group, bound] = [limits[name], PROCESS_BOUNDS[name]()]
    const text = group.ok ? group.how : bound.ok ? bound.how : `not to be had: ${group.why}; ${bound.why}`
    return { ok: group.ok || bound.ok, text: `${name}: ${text}` }
  })
  const all = told.every(({ ok }) => ok)
  return { name: 'limits', ok: all ? true : null, detail: told.map(({ text }) => text).join('. '), remedy: null }
}

/** The checks that need no repository. */
export const checkMachine = async (options: {
  readonly cwd: string
  readonly stateHome: string
  readonly fix: boolean
  readonly execHelper?: string
}): Promise<readonly DoctorCheck[]> => {
  const execHelper = options.execHelper ?? execHelperPath()
  const helper = checkHelper(options.fix, execHelper, join(dirname(execHelper), 'pane-holder'))
  const cgroups = createCgroups()
  const { pty, joined } = await checkPty(options.cwd, cgroups)
  return [
    checkNode(),
    helper,
    pty,
    await checkDisk(options.stateHome, options.fix),
    await checkFds(),
    checkCgroups(cgroups, joined),
    checkLimits(cgroups),
  ]
}
