import { recordOf } from '../kernel/delivery-errors.ts'
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

export const specInvalid = (name: string, why: string): SignalboxError =>
  new SignalboxError('ERR_SUPERVISOR_SPEC_INVALID', `"${name}" ${why}`, { context: { name } })

const textOf = (cause: unknown): string => (cause === undefined ? 'it was stopped' : recordOf(cause).message)
