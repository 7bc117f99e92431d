import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import type { KeepPolicy } from '../protocols/plan.ts'
import type { RunSummary } from '../protocols/summary.ts'
import { type CloseReport, type RunOverrides, startRuntime } from '../runtime/runtime.ts'
import { configurationOf } from './configuration-of.ts'
import { exitCodeOfRun } from './exit-codes.ts'
import { catchInterrupts } from './interrupts.ts'
import { type Io, paintFor, printJson, printLines, safeWriter } from './io.ts'
import { readPlan } from './read-plan.ts'
import { renderSummary } from './render-summary.ts'
import { watch, type WatchMode } from './watch.ts'

export type RunOptions = {
  readonly plain?: boolean
  readonly json?: boolean
  readonly keep?: KeepPolicy
  readonly parallel?: number
  readonly set?: readonly string[]
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

/** `signalbox run PLAN`: starts a runtime, runs the plan, shows it, and leaves nothing behind. */
export const runCommand = async (file: string, options: RunOptions, io: Io): Promise<number> => {
  const { settings } = await configurationOf(io, options.set)
  const plan = await readPlan(file, io.cwd, settings)
  const mode = modeOf(options, io)
  const note = safeWriter(io.err)
  using interrupts = catchInterrupts((signal) => {
    if (mode !== 'live') note.write(`signalbox: ${signal}: stopping; Ctrl-C again kills\n`)
  })
  const execute = async (): Promise<RunSummary> => {
    const runtime = await startRuntime({ workspace: io.cwd, env: io.env, settings: () => settings })
    try {
      if (runtime.damagedStore !== null)
        note.write(`signalbox: the record of runs was damaged; it was put aside at ${runtime.damagedStore}\n`)
      const run = await runtime.start(plan, overridesOf(options))
      interrupts.attach(run)
      return await watch(run, mode, io, systemClock, () => interrupts.first() !== null)
    } finally {
      for (const line of renderLate(await runtime.close())) note.write(`signalbox: ${line}\n`)
    }
  }
  const summary = await execute()
  if (mode === 'json') printJson(io, summary)
  else printLines(io, [...(mode === 'plain' ? [''] : []), ...renderSummary(summary, paintFor(io))])
  return exitCodeOfRun(summary)
}
