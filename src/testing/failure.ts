import type { Outcome } from './property.ts'
import { messageOf } from './report.ts'

const MOST_LINES = 60

/** What is printed of a property that failed: seed, path, the shortened scenario, and what did not hold. */
export const describeFailure = <T>({ title, seed, runs, failure }: Outcome<T>): string => {
  if (failure === null) return `${title}: too few scenarios could be tried (seed ${seed})`
  const lines = messageOf(failure.error).split('\n')
  const left = lines.length - MOST_LINES
  return [
    `${title}`,
    `does not hold in run ${runs}, shortened ${failure.shortened} times.`,
    `seed ${seed}, path ${failure.path}`,
    `scenario ${JSON.stringify(failure.scenario)}`,
    ...lines.slice(0, MOST_LINES),
    ...(left > 0 ? [`… and ${left} lines more`] : []),
  ].join('\n')
}
