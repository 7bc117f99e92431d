import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import type { RecordedEvent } from '../../../src/protocols/events.ts'
import type { LaneRecord, PtyRecord, RunRecord } from '../../../src/protocols/records.ts'
import type { CommandSummary, LaneSummary, RunSummary } from '../../../src/protocols/summary.ts'
import { openEnvironment } from '../../../src/runtime/environment.ts'
import type { Decorators, RuntimeOptions } from '../../../src/runtime/options.ts'
import type { RunHandle } from '../../../src/runtime/run-handle.ts'
import { composeRuntime, type Runtime } from '../../../src/runtime/runtime.ts'
import { makeRepo, type TestRepo } from '../../helpers/git-repo.ts'

/** Waits for a condition, at most 20 s. */
export const until = async (what: string, holds: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> => {
  const deadline = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Rejects instead of hanging. */
export const within = <T>(limitMs: number, what: string, promise: Promise<T>): Promise<T> => {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${what} took longer than ${limitMs} ms`)), limitMs)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Pids of living processes whose environment holds a marker that starts with `prefix`; read from /proc, not with our means. */
export const marked = (prefix: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        const entries = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
        return entries.some((entry) => entry.startsWith(`SIGNALBOX_MARK=${prefix}`)) && !/^\d+ \(.*\) Z/su.test(stat(pid))
      } catch {
        return false
      }
    })
    .map(Number)

const stat = (pid: string): string => readFileSync(`/proc/${pid}/stat`, 'latin1')

export const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')

export type Ground = { readonly processes: readonly number[]; readonly worktrees: readonly string[]; readonly branches: readonly string[] }

/** What is there, by means that signalbox does not use. */
export const groundOf = async (repo: TestRepo, workspaceId: string): Promise<Ground> => ({
  processes: marked(`${workspaceId}/`),
  worktrees: lines(await repo.git('worktree', 'list', '--porcelain'))
    .filter((line) => line.startsWith('worktree '))
    .map((line) => line.slice('worktree '.length)),
  branches: lines(await repo.git('for-each-ref', '--format=%(refname:short)', 'refs/heads')),
})

export type Records = {
  readonly runs: readonly RunRecord[]
  readonly lanes: readonly LaneRecord[]
  readonly ptys: readonly PtyRecord[]
  readonly events: readonly RecordedEvent[]
}

/** What is recorded, read through a connection of its own. */
export const recordsIn = async (options: Pick<RuntimeOptions, 'workspace' | 'stateHome'>): Promise<Records> => {
  const store = await (await openEnvironment(options)).openStore()
  try {
    const all = async <R>(kind: string): Promise<readonly R[]> => (await store.records(kind)).map(({ value }) => value as R)
    return {
      runs: await all<RunRecord>('run'),
      lanes: await all<LaneRecord>('lane'),
      ptys: await all<PtyRecord>('pty'),
      events: await store.events({}),
    }
  } finally {
    await store.close()
  }
}

export type World = {
  readonly repo: TestRepo
  readonly stateHome: string
  readonly runtime: Runtime
  /** A directory for the commands of a test to tell and be told things. */
  readonly notes: string
  ground(): Promise<Ground>
  records(): Promise<Records>
  /** Ends everything and removes the directories. */
  end(): Promise<void>
}

export type WorldOptions = {
  readonly name?: string
  readonly commits?: number
  readonly env?: NodeJS.ProcessEnv
  readonly decorators?: Decorators
  readonly prepare?: (repo: TestRepo) => Promise<unknown>
  readonly runtime?: Partial<RuntimeOptions>
}

/** A repository, a state directory and a runtime on them. */
export const makeWorld = async (options: WorldOptions = {}): Promise<World> => {
  const repo = await makeRepo({ ...(options.name !== undefined && { name: options.name }), commits: options.commits ?? 1 })
  await options.prepare?.(repo)
  const stateHome = join(repo.base, 'state')
  const notes = await mkdtemp(join(tmpdir(), 'signalbox-notes-'))
  const env = {
    ...process.env,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'Tess Ter',
    GIT_AUTHOR_EMAIL: 'tess@example.org',
    GIT_COMMITTER_NAME: 'Tess Ter',
    GIT_COMMITTER_EMAIL: 'tess@example.org',
    NOTES: notes,
    ...options.env,
  }
  const runtime = await composeRuntime({ workspace: repo.root, stateHome, env, ...options.runtime }, options.decorators)
  return {
    repo,
    stateHome,
    runtime,
    notes,
    ground: () => groundOf(repo, runtime.workspaceId),
    records: () => recordsIn({ workspace: repo.root, stateHome }),
    end: async () => {
      await within(60_000, 'closing the runtime', runtime.close())
      await repo.cleanup()
      await rm(notes, { recursive: true, force: true })
    },
  }
}

export const laneOf = (summary: RunSummary, name: string): LaneSummary => {
  const lane = summary.lanes.find((candidate) => candidate.name === name)
  if (lane === undefined) throw new Error(`no lane ${name} in the summary`)
  return lane
}

export const commandOf = (summary: RunSummary, lane: string, name: string): CommandSummary => {
  const command = laneOf(summary, lane).commands.find((candidate) => candidate.name === name)
  if (command === undefined) throw new Error(`no command ${lane}/${name} in the summary`)
  return command
}

export const logOf = (summary: RunSummary, lane: string, name: string): string => {
  const { log } = commandOf(summary, lane, name)
  if (log === null) throw new Error(`no log of ${lane}/${name}`)
  return readFileSync(log, 'utf8').replaceAll('\r\n', '\n')
}

/** Everything recorded of a run that has ended. */
export const eventsOf = async (handle: RunHandle): Promise<readonly RecordedEvent[]> => {
  const events: RecordedEvent[] = []
  for await (const event of handle.events()) events.push(event)
  return events
}

/** Waits until a command of the test has made this note. */
export const noted = (world: World, name: string): Promise<void> =>
  until(`there is a note ${name}`, () => existsSync(join(world.notes, name)))

/** A shell loop that ends only by a signal; it says `name` in a note when its traps are set. */
export const lasting = (name: string, traps = ''): string => `${traps} echo $$ > "$NOTES/${name}"; while :; do sleep 0.2; done`
