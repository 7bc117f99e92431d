import { closeSync, constants, openSync } from 'node:fs'
import type { ProcessIdentity, ProcessTable } from '../ports/process-table.port.ts'
import type { ExecReports } from './exec-report.ts'
import { forkHelper } from './native-pty.ts'
import type { CheckedSpec } from './spawn-check.ts'
import { errnoOf, execFailed, spawnFailed, whyForkFailed } from './spawn-error.ts'

/** As waitpid tells: a signal number, or 0 and the exit code. */
export type LeaderExit = { readonly exitCode: number; readonly signal: number }

/** A command that runs: exec has succeeded. Both descriptors are the caller's now. */
export type StartedProcess = {
  readonly identity: ProcessIdentity
  readonly masterFd: number
  /**
   * Our own descriptor of the slave. While it is open the master never meets a hang-up: the end of a terminal is the end
   * of its leader and nothing else, and a program may close and reopen its terminal.
   */
  readonly slaveFd: number
  readonly exited: Promise<LeaderExit>
}

/**
 * Forks, waits for the exec helper, and lets it execute the command.
 * @throws as TerminalHost.spawn; then nothing is left: the helper has ended and its descriptors are closed.
 */
export async function startProcess(
  checked: CheckedSpec,
  helperPath: string,
  reports: ExecReports,
  processTable: ProcessTable,
): Promise<StartedProcess> {
  const { spec, file, env, cols, rows } = checked
  const report = reports.expect()
  const fds: number[] = []
  let leader: Promise<LeaderExit> | undefined
  try {
    let ended = (_exit: LeaderExit): void => {}
    const exited = new Promise<LeaderExit>((resolve) => (ended = resolve))
    let forked: ReturnType<typeof forkHelper>
    try {
      forked = forkHelper(
        { helperPath, file, argv: spec.argv, env: [report.entry, ...env], cwd: spec.cwd, cols, rows },
        (exitCode, signal) => ended({ exitCode, signal }),
      )
    } catch (cause) {
      throw spawnFailed(spec, 'opening a terminal or forking', whyForkFailed(), cause)
    }
    leader = exited
    fds.push(forked.fd)
    const slaveFd = openSlave(checked, forked.ttyPath)
    fds.push(slaveFd)

    const first = await Promise.race([report.ready, exited])
    // The helper waits now, so that its pid cannot be reused before its identity is known.
    const identity = first === undefined ? processTable.identify(forked.pid) : null
    if (identity === null) throw helperLost(checked, await exited)
    const outcome = await report.go()
    if (!outcome.ok) throw execFailed(spec, outcome)
    return { identity, masterFd: forked.fd, slaveFd, exited }
  } catch (error) {
    report.cancel()
    await leader
    for (const fd of fds) closeSync(fd)
    throw error
  }
}

/** Kills a command that was started but cannot be held, and closes its descriptors. */
export async function abandonProcess(started: StartedProcess): Promise<void> {
  try {
    process.kill(-started.identity.pid, 'SIGKILL')
  } catch {
    // ended by itself
  }
  await started.exited
  closeSync(started.masterFd)
  closeSync(started.slaveFd)
}

function openSlave(checked: CheckedSpec, ttyPath: string): number {
  try {
    return openSync(ttyPath, constants.O_RDWR | constants.O_NOCTTY)
  } catch (cause) {
    throw spawnFailed(checked.spec, `opening ${ttyPath}`, errnoOf(cause), cause)
  }
}

/** The helper ended before it called in: it was refused its exec or its socket, or somebody killed it. */
function helperLost(checked: CheckedSpec, exit: LeaderExit): Error {
  if (exit.signal !== 0) return spawnFailed(checked.spec, `starting (the exec helper was killed by signal ${exit.signal})`, 'EINTR')
  // 125: no connection, which is how this process being out of descriptors shows. 1: node-pty could not execute the helper.
  return spawnFailed(checked.spec, `starting the exec helper (exit ${exit.exitCode})`, exit.exitCode === 125 ? 'EMFILE' : 'EAGAIN')
}
