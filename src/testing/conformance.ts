import type { Scheduler } from '../ports/scheduler.port.ts'
import { type CheckReport, messageOf, reportOf } from './report.ts'
import { schedulerChecks } from './scheduler-checks.ts'

/**
 * Whether a scheduler does what the kernel relies on: every check runs on one of its own.
 * @param make a new scheduler each time
 * @example expect(await conformance(() => new MyScheduler())).toEqual({ ok: true, problems: [] })
 */
export const conformance = async (make: () => Scheduler): Promise<CheckReport> => {
  const problems: string[] = []
  for (const { title, check } of schedulerChecks) {
    const scheduler = make()
    await check(scheduler).catch((error: unknown) => problems.push(`${title}: ${messageOf(error)}`))
    await scheduler.close()
  }
  return reportOf(problems)
}
