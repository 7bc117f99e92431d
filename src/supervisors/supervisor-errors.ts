import { recordOf } from '../kernel/delivery-errors.ts'
import type { DeadLetter } from '../kernel/types.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { Intensity } from '../protocols/plan.ts'
import type { Child } from './child.ts'
import type { Verdict } from './restart-policy.ts'

export const startFailed = (supervisor: string, child: string, cause: unknown): SignalboxError =>
  new SignalboxError('ERR_ACTOR_INIT_FAILED', `"${child}" under "${supervisor}" could not start: ${textOf(cause)}`, {
    context: { supervisor, child },
    cause,
  })

/** Why a supervisor ends because of a child. */
export const gaveUp = (supervisor: string, child: string, verdict: Verdict, intensity: Intensity): SignalboxError => {
  const { restarts, waits, reason } = verdict
  const { restarts: allowed, withinMs } = intensity
  if (reason === null)
    return new SignalboxError(
      'ERR_SUPERVISOR_INTENSITY',
      `"${child}" under "${supervisor}" failed again after ${allowed} restarts in ${withinMs} ms`,
      { context: { supervisor, child, restarts, allowed, withinMs } },
    )
  return new SignalboxError('ERR_SUPERVISOR_ESCALATED', `"${child}" under "${supervisor}" was given up: ${reason}`, {
    context: { supervisor, child, waits, reason },
  })
}

export const childExists = (supervisor: string, child: string): SignalboxError =>
  new SignalboxError('ERR_SUPERVISOR_CHILD_EXISTS', `the name "${child}" is taken`, { context: { supervisor, child } })

export const childNotFound = (supervisor: string, child: string): SignalboxError =>
  new SignalboxError('ERR_SUPERVISOR_CHILD_NOT_FOUND', `"${supervisor}" has no child "${child}"`, { context: { supervisor, child } })

export const childRuns = (supervisor: string, { spec: { name }, phase }: Child): SignalboxError =>
  new SignalboxError(
    'ERR_SUPERVISOR_CHILD_RUNS',
    `"${name}" under "${supervisor}" is ${phase === 'down' ? 'waiting for its turn' : phase}`,
    {
      context: { supervisor, child: name, state: phase },
    },
  )

export const actorSuspended = (name: string, supervisor: string): SignalboxError =>
  new SignalboxError('ERR_ACTOR_SUSPENDED', `"${name}" is left as it is, because its supervisor "${supervisor}" is suspended`, {
    context: { name, supervisor },
  })

export const letterNotFound = (number: number): SignalboxError =>
  new SignalboxError('ERR_DEAD_LETTER_NOT_FOUND', `no dead letter ${number} is kept: it was sent again, or 256 came after it`, {
    context: { letter: number },
  })

export const letterPrivate = ({ number, type, to }: DeadLetter): SignalboxError =>
  new SignalboxError('ERR_DEAD_LETTER_PRIVATE', `dead letter ${number} is not sent again: ${to} said "${type}" to itself`, {
    context: { letter: number, to, type },
  })

export const letterUnreachable = ({ number, to }: DeadLetter): SignalboxError =>
  new SignalboxError('ERR_ACTOR_NOT_FOUND', `dead letter ${number} is not sent again: nobody has the name of ${to} now`, {
    context: { letter: number, to },
  })

export const specInvalid = (name: string, why: string): SignalboxError =>
  new SignalboxError('ERR_SUPERVISOR_SPEC_INVALID', `"${name}" ${why}`, { context: { name } })

const textOf = (cause: unknown): string => (cause === undefined ? 'it was stopped' : recordOf(cause).message)
