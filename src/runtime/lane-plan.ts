import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import { validatePlan } from '../protocols/plan-parse.ts'
import type { PlanDefaults, PlanLane } from '../protocols/plan.ts'

/**
 * A lane that somebody asks for without a plan, by the rules and the defaults of one.
 * @throws ERR_PLAN_…, which speaks of what was asked for, not of a plan
 */
export const laneOfPlan = (name: string, lane: object, defaults?: PlanDefaults): PlanLane => {
  try {
    const made = validatePlan({ lanes: { [name]: lane } }, defaults).lanes[0]
    if (made !== undefined) return made
  } catch (error) {
    if (!isSignalboxError(error)) throw error
    const text = error.message
      .replace(/^plan: /u, '')
      .replaceAll(`lanes.${name}.`, '')
      .replaceAll('commands[0].', '')
    throw new SignalboxError(error.code, text, { context: error.context, cause: error })
  }
  throw new SignalboxError('ERR_PLAN_INVALID', 'a lane needs a name')
}
