import type { Plan } from '../protocols/plan.ts'
import { dryRun } from '../runtime/dry-run.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, printJson, printLines } from './io.ts'
import { renderDryRun } from './render-dry-run.ts'

/** `signalbox run --dry-run PLAN`: 4 when a check fails. */
export const dryRunCommand = async (plan: Plan, isJson: boolean, io: Io): Promise<number> => {
  const report = await dryRun({ workspace: io.cwd, env: io.env }, plan)
  if (isJson) printJson(io, report)
  else printLines(io, renderDryRun(report, paintFor(io)))
  return report.ok ? EXIT.ok : EXIT.environment
}
