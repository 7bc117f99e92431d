import { getSystemErrorName } from 'node:util'
import type { Cgroup } from '../ports/cgroups.port.ts'
import type { ProcessIdentity, ProcessTable } from '../ports/process-table.port.ts'
import type { LeaderExit, TerminalLine, TerminalLines } from '../ports/terminal-lines.port.ts'
import type { AppliedLimits } from '../protocols/limits.ts'
import type { ExecReport, ExecReports } from './exec-report.ts'
import type { Hold } from './hold.ts'
import { memoOf } from './memo.ts'
import type { CheckedSpec } from './spawn-check.ts'
import { execFailed, spawnFailed } from './spawn-error.ts'

/** A command that runs: exec has succeeded. The line is the caller's now. */
export type StartedProcess = {
  readonly identity: ProcessIdentity
  readonly line: TerminalLine
  /** Its control group, which it is in; null where it has none. */
  readonly group: Cgroup | null
  /** Why it is not in the group that was made for it: the name of an errno. */
  readonly notJoined: string | null
  readonly applied: AppliedLimits
}

/** A terminal whose exec helper waits to be told what to execute. */
export type WarmLine = { readonly line: TerminalLine; readonly report: ExecReport; readonly identity: ProcessIdentity }

/**
 * A process, the thread of node-pty that waits for it, and some for whoever else starts something at this moment. Without
 * room for the thread node-pty ends this whole process: std::thread throws, and nothing catches it (unix/pty.cc).
 */
export const NEEDED_TASKS = 4

/**
 * Opens a line, unless one was opened ahead, waits for the exec helper on it, and lets that execute the command.
 * @throws as TerminalHost.spawn; then nothing is left: the helper has ended and the line is closed.
 */
export async function startProcess(
  checked: CheckedSpec,
  helperPath: string,
  reports: ExecReports,
  processTable: ProcessTable,
  lines: TerminalLines,
  warm: WarmLine | null,
  { group, applied, ...orders }: Hold,
): Promise<StartedProcess> {
  const { spec, file, env, cols, rows } = checked
  const report = warm?.report ?? reports.expect()
  let line = warm?.line
  try {
    if (warm === null && (processTable.taskRoom?.() ?? Infinity) < NEEDED_TASKS)
      throw spawnFailed(spec, 'starting a process and the thread that waits for it', 'EAGAIN')
    const { ptyId, argv, cwd } = spec
    line ??= await lines.open({ ptyId, helperPath, cwd, file, argv, env: [report.entry, ...env], cols, rows })
    if (warm !== null) await line.resize(cols, rows)
    const first = await Promise.race([report.ready, line.exited])
    // The helper waits now, so that its pid cannot be reused before its identity is known.
    const identity = first === undefined ? (warm?.identity ?? processTable.identify(line.pid)) : null
    if (identity === null) throw helperLost(checked, await line.exited)
    await line.remember?.(memoOf(checked, identity, applied))
    const outcome = await report.go({ ...orders, joins: group?.joins ?? [] }, warm === null ? undefined : { cwd, file, argv, env })
    if (!outcome.ok) throw execFailed(spec, outcome)
    const notJoined = outcome.notJoined === null ? null : getSystemErrorName(-outcome.notJoined)
    const isIn = notJoined === null || group?.pids().includes(line.pid) === true
    return { identity, line, group: isIn ? group : null, notJoined, applied }
  } catch (error) {
    report.cancel()
    await line?.exited.catch(() => {})
    line?.close()
    line?.release?.()
    throw error
  }
}

/** Kills a command that was started but cannot be held, and closes its line. */
export async function abandonProcess({ identity, line }: StartedProcess, processTable: ProcessTable): Promise<void> {
  try {
    if (processTable.isAlive(identity)) process.kill(-identity.pid, 'SIGKILL')
  } catch {
    // ended by itself
  }
  await line.exited.catch(() => {})
  line.close()
  line.release?.()
}

/** The helper ended before it called in: it was refused its exec or its socket, or somebody killed it. */
function helperLost(checked: CheckedSpec, exit: LeaderExit): Error {
  if (exit.signal !== 0) return spawnFailed(checked.spec, `starting (the exec helper was killed by signal ${exit.signal})`, 'EINTR')
  // 125: no connection, which is how this process being out of descriptors shows. 1: node-pty could not execute the helper.
  return spawnFailed(checked.spec, `starting the exec helper (exit ${exit.exitCode})`, exit.exitCode === 125 ? 'EMFILE' : 'EAGAIN')
}
