import type { CommandSummary } from '../protocols/summary.ts'
import type { CommandView, LaneView } from '../protocols/view.ts'
import type { Style } from './paint.ts'

/** A state or outcome as people see it: a mark, a word, a colour. */
export type Mark = { readonly sign: string; readonly word: string; readonly style: Style }

const OUTCOMES: Readonly<Record<CommandSummary['outcome'], Mark>> = {
  succeeded: { sign: '✔', word: 'succeeded', style: 'green' },
  failed: { sign: '✘', word: 'failed', style: 'red' },
  skipped: { sign: '-', word: 'skipped', style: 'dim' },
  interrupted: { sign: '!', word: 'interrupted', style: 'yellow' },
  stopped: { sign: '■', word: 'stopped', style: 'dim' },
}

export const outcomeMark = (outcome: CommandSummary['outcome']): Mark => OUTCOMES[outcome]

export const laneMark = ({ outcome, state }: LaneView): Mark => {
  if (outcome !== null) return OUTCOMES[outcome]
  if (state === 'waiting') return { sign: '·', word: 'waiting', style: 'dim' }
  if (state === 'skipped') return OUTCOMES.skipped
  return { sign: '●', word: state === 'provisioning' ? 'preparing' : state, style: 'cyan' }
}

export const commandMark = ({ outcome, state, exitCode }: CommandView): Mark => {
  if (outcome !== null) return OUTCOMES[outcome]
  switch (state) {
    case 'waiting':
      return { sign: '·', word: 'waiting', style: 'dim' }
    case 'backoff':
      return { sign: '↻', word: 'backoff', style: 'yellow' }
    case 'errored':
      return OUTCOMES.failed
    case 'stopped':
      return exitCode === 0 ? OUTCOMES.succeeded : OUTCOMES.stopped
    case 'throttled':
      return { sign: '●', word: 'idle', style: 'dim' }
    case 'idle':
    case 'spawning':
      return { sign: '●', word: 'starting', style: 'cyan' }
    case 'active':
      return { sign: '●', word: 'running', style: 'cyan' }
  }
}
