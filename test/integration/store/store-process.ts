import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSqliteStore } from '../../../src/adapters/sqlite/sqlite-store.adapter.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { Clock } from '../../../src/ports/clock.port.ts'
import type { EventStore } from '../../../src/ports/event-store.port.ts'
import { WORKSPACE } from '../../contracts/event-store.contract.ts'

const CHILD = fileURLToPath(new URL('store-child.ts', import.meta.url))

/** How often random trials are repeated. */
export const RUNS: number = Number(process.env['SIGNALBOX_RUNS'] ?? '1')

/** A directory whose name is as awkward as users' are. */
export const temporaryDirectory = (): string => mkdtempSync(join(tmpdir(), 'signalbox store ü-'))
export const removeDirectory = (directory: string): void => rmSync(directory, { recursive: true, force: true })

export const openAt = (path: string, clock: Clock = systemClock): Promise<EventStore> =>
  openSqliteStore({ path, workspaceId: WORKSPACE, clock })

export type ChildResult = { readonly lines: Record<string, unknown>[]; readonly stderr: string; readonly signal: string | null }

const parseLines = (text: string): Record<string, unknown>[] =>
  // A killed child may leave half a line.
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

const collect = (child: ChildProcess): Promise<ChildResult> =>
  new Promise((resolve, reject) => {
    let [stdout, stderr] = ['', '']
    child.stdout?.on('data', (bytes: Buffer) => (stdout += bytes.toString()))
    child.stderr?.on('data', (bytes: Buffer) => (stderr += bytes.toString()))
    child.on('error', reject)
    child.on('close', (_, signal) => resolve({ lines: parseLines(stdout), stderr, signal }))
  })

const STDIO = { stdio: ['pipe', 'pipe', 'pipe'] as ['pipe', 'pipe', 'pipe'] }

/** Starts the child on a store; `argument` names it. */
export const startChild = (mode: string, path: string, argument = 'one'): { child: ChildProcess; ended: Promise<ChildResult> } => {
  const child = spawn(process.execPath, [CHILD, mode, path, argument], STDIO)
  return { child, ended: collect(child) }
}

export const runChild = (mode: string, path: string, argument?: string): Promise<ChildResult> => startChild(mode, path, argument).ended

/** Runs the child after a shell script; the script ends with `exec "$@"`. `$0` is the directory. */
export const runChildIn = (
  script: string,
  directory: string,
  mode: string,
  path: string,
  wrap: readonly string[] = [],
): Promise<ChildResult> => {
  const [command = 'sh', ...rest] = [...wrap, 'sh', '-c', script, directory, process.execPath, CHILD, mode, path, 'one']
  return collect(spawn(command, rest, STDIO))
}

/** Why a test that needs mounts of its own cannot run here, or null. */
export const whyNoMounts = (): string | null => {
  const probe = spawnSync('unshare', ['-m', 'true'])
  return probe.status === 0 ? null : 'needs `unshare -m` (root): a mount namespace for a small or read-only file system'
}
