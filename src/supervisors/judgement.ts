import type { ChildSpec, Judgement } from '../kernel/child-spec.ts'
import { recordOf } from '../kernel/delivery-errors.ts'
import type { Exit } from '../kernel/types.ts'

const RESTART: Judgement = { do: 'restart' }

/** What the spec of a child says about its end. Never throws: a judgement that makes no sense ends in words, not in a crash of its supervisor. */
export const judgementOf = ({ classify }: ChildSpec, exit: Exit, waits: number): Judgement => {
  if (classify === undefined) return RESTART
  try {
    const judgement = classify(exit, waits)
    return judgement.do === 'wait' && !isSensible(judgement)
      ? { do: 'escalate', reason: `its classify gave no sensible wait (${judgement.ms} ms, at most ${judgement.atMost})` }
      : judgement
  } catch (error) {
    return { do: 'escalate', reason: `its classify failed: ${recordOf(error).message}` }
  }
}

const isSensible = ({ ms, atMost }: { readonly ms: number; readonly atMost: number }): boolean =>
  Number.isFinite(ms) && ms >= 0 && Number.isSafeInteger(atMost)
