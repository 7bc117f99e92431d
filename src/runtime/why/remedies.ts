import { CATALOGUE } from '../../protocols/error-catalogue.ts'
import type { ExitClass } from '../../protocols/plan.ts'
import type { WhyAttempt, WhyRemedy } from '../../protocols/why.ts'
import type { WhyFacts } from './facts.ts'

export const remedy = (what: string, command: string | null = null): WhyRemedy => ({ what, command })

/** A word of a shell as it is typed. */
export const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)

export const why = (subject: string): string => `signalbox why ${quoted(subject)}`

const OF_CLASS: Readonly<Record<ExitClass, string | null>> = {
  notExecutable: 'correct the name of the command or its PATH, or make what it needs be there: `copy` in the plan, or a command before it',
  authentication: 'log in, or give the command its key (`env` in the plan), then run the plan again',
  rateLimited: 'with `restart: transient` it waits by itself, as long and as often as `classify.wait` says; or run it again later',
  memory: 'give it more memory, or run fewer lanes at once (`parallel` in the plan)',
  signal: null,
  failure: null,
}

/** What the catalogue says of an error. */
export const remedyOfError = (code: string | null): readonly WhyRemedy[] => {
  if (code === null || !Object.hasOwn(CATALOGUE, code)) return []
  const { next } = CATALOGUE[code as keyof typeof CATALOGUE]
  return /^(see the cause|look at the tree|look at `signalbox why)/iu.test(next) ? [] : [remedy(next.replace(/\.$/u, ''))]
}

export const readLog = (attempt: WhyAttempt | undefined): readonly WhyRemedy[] =>
  attempt?.log == null
    ? []
    : [remedy(`read all that it said${attempt.logGap ? ' (the log has a gap)' : ''}`, `less ${quoted(attempt.log)}`)]

export const lookInside = (worktree: string | null): readonly WhyRemedy[] =>
  worktree === null ? [] : [remedy('look into its worktree', `cd ${quoted(worktree)}`)]

/** What one can do about an attempt that failed. */
export const remediesOf = (attempt: WhyAttempt, { crash }: Pick<WhyFacts, 'crash'>, worktree: string | null): readonly WhyRemedy[] => {
  const ofClass = attempt.finding === null ? null : OF_CLASS[attempt.finding.class]
  return [
    ...(ofClass === null ? remedyOfError(attempt.errorCode) : [remedy(ofClass)]),
    ...readLog(attempt),
    ...(crash === null || attempt.error !== null
      ? []
      : [remedy('see its memory, signals and last messages', `signalbox crashes ${crash.id}`)]),
    ...lookInside(worktree),
  ]
}
