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
  rateLimited: 'run it again later; with `restart: transient` in its plan it waits by itself',
  memory: 'give it more memory, or run fewer lanes at once (`parallel` in the plan)',
  signal: null,
  failure: null,
}

/** What the catalogue says of an error. */
export const remedyOfError = (code: string | null): readonly WhyRemedy[] => {
  if (code === null || !Object.hasOwn(CATALOGUE, code)) return []
  const { next } = CATALOGUE[code as keyof typeof CATALOGUE]
  return /^(see the cause|look at the tree|look at `signalbox why)/iu.test(next)
    ? []
    : [remedy(next.replace(/\.$/u, '').replace(/^[A-Z](?=[a-z])/u, (letter) => letter.toLowerCase()))]
}

/** What one can do about a lock of git. */
export const freeLock = (path: string): readonly WhyRemedy[] => [
  remedy('see whether a git works there; its end removes the lock', `fuser -v ${quoted(path)}`),
  remedy('only if no git runs there: remove the lock', `rm ${quoted(path)}`),
]

export const readLog = (attempt: WhyAttempt | undefined): readonly WhyRemedy[] =>
  attempt?.log == null
    ? []
    : [remedy(`read all that it said${attempt.logGap ? ' (the log has a gap)' : ''}`, `less ${quoted(attempt.log)}`)]

export const lookInside = (worktree: string | null): readonly WhyRemedy[] =>
  worktree === null ? [] : [remedy('look into its worktree', `cd ${quoted(worktree)}`)]

/** Of a worktree that is gone. */
export const FIND_WHO_REMOVED_IT =
  'find out who removed it (a script that cleans up, `git worktree remove`, `git clean -ffdx`), then run the plan again'

/** Where the class of the failure says less than its error. */
const OF_ERROR: Readonly<Record<string, string>> = {
  ERR_PTY_CWD_NOT_FOUND: FIND_WHO_REMOVED_IT,
  ERR_PTY_COMMAND_NOT_EXECUTABLE:
    'make the file executable and commit that (`git update-index --chmod=+x FILE`), or run it by its interpreter',
}

/** Who sent a signal that signalbox did not, as far as one can find out. */
const whoKilled = ({ signal, finding }: WhyAttempt): readonly WhyRemedy[] =>
  signal === 'SIGKILL' && finding?.class !== 'memory'
    ? [remedy('see whether the system did it', "dmesg -T | grep -iE 'killed process|oom'")]
    : []

/** What one can do about an attempt that failed. */
export const remediesOf = (attempt: WhyAttempt, { crash }: Pick<WhyFacts, 'crash'>, worktree: string | null): readonly WhyRemedy[] => {
  const ofError = OF_ERROR[attempt.errorCode ?? '']
  const ofClass = ofError ?? (attempt.finding === null ? null : OF_CLASS[attempt.finding.class])
  return [
    ...(ofClass === null ? remedyOfError(attempt.errorCode) : [remedy(ofClass)]),
    ...whoKilled(attempt),
    ...readLog(attempt),
    ...(crash === null || attempt.error !== null
      ? []
      : [remedy('see its memory, signals and last messages', `signalbox crashes ${crash.id}`)]),
    ...lookInside(worktree),
  ]
}
