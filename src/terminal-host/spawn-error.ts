import { spawnSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import type { PtySpec } from '../ports/terminal-host.port.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { ExecOutcome } from './exec-report.ts'

/** @returns ERR_PTY_SPAWN_FAILED with the name of the errno and what was being done. */
export function spawnFailed(spec: Pick<PtySpec, 'ptyId' | 'argv'>, doing: string, errno: string, cause?: unknown): SignalboxError {
  return new SignalboxError('ERR_PTY_SPAWN_FAILED', `Cannot start ${spec.argv[0]}: ${doing} failed with ${errno}${remedy(errno)}.`, {
    context: { ptyId: spec.ptyId, errno, doing },
    ...(cause === undefined ? {} : { cause }),
  })
}

function remedy(errno: string): string {
  if (errno === 'EMFILE') return ' (this process is out of file descriptors: raise `ulimit -n`)'
  if (errno === 'ENFILE') return ' (the system is out of file descriptors)'
  if (errno === 'ENOSPC') return ' (the system is out of terminals: kernel.pty.max)'
  if (errno === 'EAGAIN') return ' (no more processes are allowed: `ulimit -u`, or the pids limit of the cgroup)'
  if (errno === 'ENOMEM') return ' (out of memory)'
  return ''
}

/** @returns the error of a report of the exec helper, by stage and errno. */
export function execFailed(spec: PtySpec, outcome: Extract<ExecOutcome, { ok: false }>): SignalboxError {
  const errno = getSystemErrorName(-outcome.errno)
  const context = { ptyId: spec.ptyId, errno, stage: outcome.stage, command: spec.argv[0], cwd: spec.cwd }
  if (outcome.stage === 'join') return spawnFailed(spec, 'joining its control group', errno)
  if (outcome.stage === 'limit') return spawnFailed(spec, 'setting its limits', errno)
  if (outcome.stage === 'chdir') {
    if (errno !== 'ENOENT' && errno !== 'ENOTDIR') return spawnFailed(spec, `changing to ${spec.cwd}`, errno)
    return new SignalboxError('ERR_PTY_CWD_NOT_FOUND', `Cannot start ${spec.argv[0]}: its working directory ${spec.cwd} does not exist.`, {
      context,
    })
  }
  if (errno === 'ENOENT' || errno === 'ENOTDIR') {
    return new SignalboxError(
      'ERR_PTY_COMMAND_NOT_FOUND',
      `Cannot run ${spec.argv[0]}: it, or the interpreter that its first line names, does not exist.`,
      { context },
    )
  }
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'ENOEXEC') {
    const why = errno === 'ENOEXEC' ? 'it is not a program for this machine' : 'the system does not permit it'
    return new SignalboxError('ERR_PTY_COMMAND_NOT_EXECUTABLE', `Cannot run ${spec.argv[0]}: ${why} (${errno}).`, { context })
  }
  return spawnFailed(spec, 'exec', errno)
}

/**
 * node-pty says only "forkpty(3) failed.": tries its steps one by one to learn which resource is short.
 * @returns the name of an errno; EAGAIN when all steps work again.
 */
export function whyForkFailed(): string {
  const opened: number[] = []
  try {
    // forkpty needs two descriptors: the master and the slave.
    for (const path of ['/dev/ptmx', '/dev/null']) opened.push(openSync(path, constants.O_RDWR | constants.O_NOCTTY))
  } catch (error) {
    return errnoOf(error)
  } finally {
    for (const fd of opened) closeSync(fd)
  }
  const { error } = spawnSync('/bin/sh', ['-c', ':'], { stdio: 'ignore' })
  return error === undefined ? 'EAGAIN' : errnoOf(error)
}

/** @returns the name of the errno of a system error of Node, or EIO. */
export const errnoOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'EIO'
