import { diagnose } from '../runtime/doctor/doctor.ts'
import { configurationOf } from './configuration-of.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, printJson, printLines } from './io.ts'
import { renderDoctor } from './render-doctor.ts'
import { widthOfScreen } from './table.ts'

export type DoctorCommandOptions = { readonly fix?: boolean; readonly json?: boolean }

/** `signalbox doctor`: 4 when the machine lacks something, 1 when something is left that `--fix` removes. */
export const doctorCommand = async (options: DoctorCommandOptions, io: Io): Promise<number> => {
  const { settings } = await configurationOf(io)
  const report = await diagnose({ cwd: io.cwd, fix: options.fix === true, settings })
  if (options.json === true) printJson(io, report)
  else printLines(io, renderDoctor(report, paintFor(io), widthOfScreen(io.out)))
  if (report.ok) return EXIT.ok
  return report.checks.some(({ ok }) => ok === false) ? EXIT.environment : EXIT.failed
}
