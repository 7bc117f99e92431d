import type { ExitFinding } from './exit-class.ts'
import type { ExitClass } from './plan.ts'

const WORDS: Readonly<Record<Exclude<ExitClass, 'failure' | 'signal'>, string>> = {
  notExecutable: 'it could not be executed',
  authentication: 'it failed to authenticate',
  rateLimited: 'it was rate-limited',
  memory: 'it was killed for memory',
}

/** A failure in words, with what shows it. */
export const findingText = ({ class: is, evidence, certain }: ExitFinding): string => {
  if (is === 'failure' || is === 'signal') return evidence
  return `${certain ? '' : 'perhaps '}${WORDS[is]} (${evidence})`
}

/** What one can do about a failure; null where the output alone can tell. */
export const remedyOf = (is: ExitClass): string | null => {
  switch (is) {
    case 'notExecutable':
      return 'check the name of the command, its PATH, and that what it needs is there in the worktree of the lane (`copy`, or a command before it)'
    case 'authentication':
      return 'log in, or give the command its key (`env`), then run the plan again'
    case 'rateLimited':
      return 'run it again later, or let it wait longer by itself: with `restart: transient`, as long and as often as `classify.wait` says'
    case 'memory':
      return 'give it more memory, or run fewer lanes at once (`parallel`)'
    case 'signal':
    case 'failure':
      return null
  }
}
