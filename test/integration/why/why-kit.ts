import { expect } from 'vitest'
import type { WhyAnswer } from '../../../src/protocols/why.ts'
import { hasFailed } from '../../../src/runtime/why/evidence.ts'
import { openInspection } from '../../../src/runtime/inspection.ts'
import type { RunHandle } from '../../../src/runtime/run-handle.ts'
import { type ControlWorld, makeControlWorld } from '../control/control-kit.ts'
import { until, type WorldOptions } from '../run/run-kit.ts'
import { expectOnPage, type Places } from './page.ts'

/** A crash is filed a little later than it is recorded. */
const isFiled = ({ attempts, dossier }: WhyAnswer): boolean => {
  const last = attempts.at(-1)
  return last === undefined || !hasFailed(last) || dossier !== null
}

/** A world whose orchestrator is asked why, at its socket. */
export type WhyWorld = ControlWorld & {
  readonly places: Places
  /** Starts a plan in the name of ada. */
  start(plan: object): Promise<RunHandle>
  ask(subject: string): Promise<WhyAnswer>
  /** Waits until the answer is of this state. */
  askUntil(subject: string, state: WhyAnswer['state']): Promise<WhyAnswer>
  /** Looks that the answer is the one on the page; of what is over, that the records alone give the same. @returns its summary */
  said(id: string, subject: string, answer?: WhyAnswer): Promise<string>
}

const fromRecords = async ({ repo, stateHome }: ControlWorld, subject: string): Promise<WhyAnswer> => {
  const inspection = await openInspection({ workspace: repo.root, stateHome })
  try {
    return await inspection.why(subject)
  } finally {
    await inspection.close()
  }
}

export const makeWhyWorld = async (options: WorldOptions = {}): Promise<WhyWorld> => {
  const world = await makeControlWorld({ name: 'shop', ...options })
  const { runtime, repo } = world
  const client = await world.client({ name: 'ada' })
  const places: Places = { root: repo.root, stateDirectory: runtime.stateDirectory }
  const ask = (subject: string): Promise<WhyAnswer> => client.call('why', { subject })
  return {
    ...world,
    places,
    ask,
    start: (plan) => runtime.start(plan, { by: 'ada' }),
    async askUntil(subject, state) {
      let answer = await ask(subject)
      await until(`${subject} is ${state}`, async () => {
        answer = await ask(subject)
        return answer.state === state && isFiled(answer)
      })
      return answer
    },
    async said(id, subject, answer) {
      let given = answer ?? (await ask(subject))
      if (answer === undefined) await until('its crash is filed', async () => isFiled((given = await ask(subject))))
      expectOnPage(id, subject, given, places)
      if (given.next === null && given.subject.kind !== 'actor') {
        const { at: _, ...recorded } = await fromRecords(world, subject)
        const { at: __, ...live } = given
        expect(recorded).toEqual(live)
      }
      return given.summary
    },
  }
}
