import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../adapters/system/system-random.adapter.ts'
import { type Finding, fuzz } from '../testing/fuzz.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, printJson, printLines } from './io.ts'

export type FuzzCommandOptions = { readonly minutes: number; readonly seed?: number; readonly json?: boolean }

const SEEDS = 2 ** 31

/** `signalbox fuzz`: 0 when all held, 1 when something failed or could not be loaded. */
export const fuzzCommand = async (paths: readonly string[], options: FuzzCommandOptions, io: Io): Promise<number> => {
  const paint = paintFor(io)
  const seed = options.seed ?? Math.floor(systemRandom.next() * SEEDS)
  const asJson = options.json === true
  const failed = ({ text }: Finding): void => {
    if (!asJson) printLines(io, [`${paint('red', 'FAILED')} ${text}`, ''])
  }
  const { minutes } = options
  const report = await fuzz({ cwd: io.cwd, paths: paths.length === 0 ? ['.'] : paths, minutes, seed, clock: systemClock, failed })
  if (asJson) {
    const properties = report.findings.map(({ text, ...finding }) => ({ ...finding, error: finding.ok ? null : text }))
    printJson(io, { type: 'fuzz', ok: report.ok, seed, minutes, properties })
  } else {
    const rows = report.findings.map(
      ({ ok, runs, title, module }) =>
        `${ok ? paint('green', 'ok    ') : paint('red', 'FAILED')} ${String(runs).padStart(8)} runs  ${module}: ${title ?? 'not loaded'}`,
    )
    printLines(io, [...rows, paint('dim', `seed ${seed}`)])
  }
  return report.ok ? EXIT.ok : EXIT.failed
}
