import type { Judgement } from '../kernel/child-spec.ts'
import { classifyStartFailure, type ExitFinding } from '../protocols/exit-class.ts'
import { findingText } from '../protocols/exit-words.ts'
import type { Exit } from '../protocols/exit.ts'
import type { ExitRules } from '../protocols/plan.ts'

/** What the end of a command's process asks for, by the rules of its plan. */
export const judgeEnd = ({ error }: Exit, waits: number, { decide, wait }: ExitRules): Judgement => {
  const finding = error === undefined ? null : ((error.context['finding'] as ExitFinding | null | undefined) ?? classifyStartFailure(error))
  if (finding === null) return { do: 'restart' }
  const reason = findingText(finding)
  switch (decide[finding.class]) {
    case 'restart':
      return { do: 'restart' }
    case 'stop':
      return { do: 'stop', reason }
    case 'wait': {
      const ms = finding.retryAfterMs ?? wait.minMs * 2 ** Math.min(waits, 60)
      return { do: 'wait', ms: Math.min(ms, wait.maxMs), atMost: wait.times, reason }
    }
  }
}
