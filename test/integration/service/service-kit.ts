import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { ProcessTable } from '../../../src/ports/process-table.port.ts'
import { type Started, startInBackground, stopRunning } from '../../../src/runtime/service/background.ts'
import { readHostRecord } from '../../../src/runtime/host/host-record.ts'
import { type OrchestratorRecord, readRecord } from '../../../src/runtime/service/orchestrator-record.ts'
import { gitTestEnv, makeRepo, type TestRepo } from '../../helpers/git-repo.ts'

const PROGRAM = join(import.meta.dirname, 'fixtures/orchestrator-process.ts')

/** A repository on which orchestrators with a control socket that answers nothing are started. */
export type ServiceWorld = {
  readonly repo: TestRepo
  readonly base: string
  readonly commonDir: string
  readonly log: string
  readonly env: NodeJS.ProcessEnv
  readonly table: ProcessTable
  up(env?: NodeJS.ProcessEnv): Promise<Started>
  down(keep?: boolean): Promise<readonly string[]>
  record(): { living: OrchestratorRecord | null; dead: OrchestratorRecord | null }
  logText(): string
  cleanup(): Promise<void>
}

export const makeServiceWorld = async (): Promise<ServiceWorld> => {
  const repo = await makeRepo({ name: 'ein Repo' })
  const base = mkdtempSync(join(tmpdir(), 'signalbox service '))
  const commonDir = join(repo.root, '.git')
  const log = join(base, 'orchestrator.log')
  const env = {
    ...gitTestEnv(),
    XDG_STATE_HOME: join(base, 'state'),
    XDG_CONFIG_HOME: join(base, 'config'),
    XDG_RUNTIME_DIR: join(base, 'run'),
  }
  const table = createProcessTable()
  const parts = { clock: systemClock, table }
  const place = { commonDir, root: repo.root }
  const record = () => readRecord(commonDir, table)
  const down = async (keep = false): Promise<readonly string[]> => {
    const phases: string[] = []
    const { living } = record()
    if (living !== null) await stopRunning(place, living, keep, (phase) => phases.push(phase), parts)
    return phases
  }
  return {
    repo,
    base,
    commonDir,
    log,
    env,
    table,
    record,
    down,
    up: (more = {}) => startInBackground(place, [process.execPath, PROGRAM, log], { ...env, ...more }, log, parts),
    logText: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
    async cleanup() {
      await down().catch(() => undefined)
      const host = readHostRecord(commonDir, table)
      if (host !== null) table.signal(host, 'SIGKILL')
      rmSync(base, { recursive: true, force: true })
      await repo.cleanup()
    },
  }
}

/** A process that lives until it is killed. */
export const bystander = (): { readonly pid: number; readonly kill: () => void } => {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
  return { pid: child.pid ?? 0, kill: () => void child.kill('SIGKILL') }
}
