import { createProcessTable } from '../adapters/process-table.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import type { Settings } from '../protocols/config.schema.ts'
import type { KeepPolicy } from '../protocols/plan.ts'
import type { RunSummary } from '../protocols/summary.ts'
import { type CloseReport, type RunOverrides, startRuntime } from '../runtime/runtime.ts'
import { findWorkspace } from '../runtime/service/find-workspace.ts'
import { readRecord } from '../runtime/service/orchestrator-record.ts'
import { configurationOf } from './configuration-of.ts'
import { exitCodeOfRun } from './exit-codes.ts'
import { catchInterrupts, type Interrupts } from './interrupts.ts'
import { type Io, paintFor, printJson, printLines, safeWriter } from './io.ts'
import { type PlanFile, readPlan } from './read-plan.ts'
import { startRemoteRun } from './remote-run.ts'
import { renderSummary } from './render-summary.ts'
import { widthOfScreen } from './table.ts'
import { watch, type WatchMode } from './watch.ts'

export type RunOptions = {
  readonly dryRun?: boolean
  readonly plain?: boolean
  readonly json?: boolean
  readonly keep?: KeepPolicy
  readonly parallel?: number
  readonly set?: readonly string[]
  readonly own?: boolean
}

const modeOf = (options: RunOptions, io: Io): WatchMode => {
  if (options.json === true) return 'json'
  return options.plain === true || io.out.isTTY !== true || io.env['TERM'] === 'dumb' ? 'plain' : 'live'
}

const overridesOf = ({ keep, parallel }: RunOptions): RunOverrides => ({
  ...(keep === undefined ? {} : { keep }),
  ...(parallel === undefined ? {} : { parallel }),
})

/** What did not stop when it was asked to: rare enough to be told, with the pid for those who look for it. */
const renderLate = ({ phases }: CloseReport): string[] =>
  phases.flatMap(({ phase, tookMs, late }) =>
    late.map(
      ({ what, pid }) =>
        `${what}${pid === null ? '' : ` (pid ${pid})`} did not stop within ${(tookMs / 1_000).toFixed(1)} s (${phase}) and was killed`,
    ),
  )

type Run = {
  readonly file: PlanFile
  readonly options: RunOptions
  readonly mode: WatchMode
  readonly interrupts: Interrupts
  readonly io: Io
}

/** In a runtime that lives as long as the run. */
const runHere = async ({ file, options, mode, interrupts, io }: Run, settings: Settings): Promise<RunSummary> => {
  const note = safeWriter(io.err)
  const runtime = await startRuntime({ workspace: io.cwd, env: io.env, settings: () => settings })
  try {
    if (runtime.damagedStore !== null)
      note.write(`signalbox: the record of runs was damaged; it was put aside at ${runtime.damagedStore}\n`)
    const run = await runtime.start(file.plan, { ...overridesOf(options), by: `signalbox run (pid ${process.pid})` })
    const whose = (by: string): string => `signalbox run (pid ${process.pid}), by ${by}`
    interrupts.attach({ stop: (by) => run.stop(whose(by)), kill: (by) => run.kill(whose(by)) })
    return await watch(run, mode, io, systemClock, () => interrupts.first() !== null)
  } finally {
    for (const line of renderLate(await runtime.close())) note.write(`signalbox: ${line}\n`)
  }
}

/** In the orchestrator that runs. */
const runThere = async ({ file, options, mode, interrupts, io }: Run, socket: string): Promise<RunSummary> => {
  const request = { socket, cwd: io.cwd, plan: file.text, overrides: overridesOf(options), isLive: mode === 'live', clock: systemClock }
  using run = await startRemoteRun(request)
  interrupts.attach(run)
  return await watch(run, mode, io, systemClock, () => interrupts.first() !== null)
}

/** The socket of an orchestrator that is to run the plan, or null: then this process does. */
const orchestratorFor = ({ own, set }: RunOptions, io: Io): string | null => {
  if (own === true || set !== undefined) return null
  const workspace = findWorkspace(io.cwd, io.env)
  const living = workspace === null ? null : readRecord(workspace.commonDir, createProcessTable()).living
  return living?.state === 'ready' ? living.socket : null
}

const runDry = async ({ plan }: PlanFile, options: RunOptions, io: Io): Promise<number> => {
  const { dryRunCommand } = await import('./dry-run.command.ts')
  return dryRunCommand({ ...plan, ...overridesOf(options) }, options.json === true, io)
}

/** `signalbox run PLAN`: runs the plan, shows it, and leaves nothing behind. */
export const runCommand = async (path: string, options: RunOptions, io: Io): Promise<number> => {
  const { settings } = await configurationOf(io, options.set)
  const file = await readPlan(path, io.cwd, settings)
  if (options.dryRun === true) return runDry(file, options, io)
  const mode = modeOf(options, io)
  using interrupts = catchInterrupts((signal) => {
    if (mode !== 'live') safeWriter(io.err).write(`signalbox: ${signal}: stopping; Ctrl-C again kills\n`)
  })
  const run: Run = { file, options, mode, interrupts, io }
  const socket = orchestratorFor(options, io)
  const summary = await (socket === null ? runHere(run, settings) : runThere(run, socket))
  if (mode === 'json') printJson(io, summary)
  else printLines(io, [...(mode === 'plain' ? [''] : []), ...renderSummary(summary, paintFor(io), widthOfScreen(io.out))])
  return exitCodeOfRun(summary)
}
