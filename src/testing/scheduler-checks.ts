import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Runnable, Scheduler, Slot } from '../ports/scheduler.port.ts'

/** A check of what every scheduler must do; it throws when the scheduler does not. */
export type SchedulerCheck = { readonly title: string; readonly check: (scheduler: Scheduler) => Promise<void> }

/** Actors that never run out of mail, and how many of their turns another may wait for. */
const GREEDY = 4
const MOST_WAITED = 256 * GREEDY

/** Waits for a condition, at most for so many turns of the event loop: no scheduler needs more. */
const until = async (condition: () => boolean, what: string): Promise<void> => {
  for (let turn = 0; turn < 2_000; turn += 1) {
    if (condition()) return
    await nextTurn()
  }
  assert.fail(`did not happen: ${what}`)
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await nextTurn()
}

/** An actor that has so many messages, handled in `budget` steps. */
const actor = (scheduler: Scheduler, id: string, mail: { left: number }, handle: () => void | Promise<void>): Slot => {
  const runnable: Runnable = {
    id,
    drain: async (budget) => {
      for (let step = 0; step < budget && mail.left > 0; step += 1) {
        mail.left -= 1
        await handle()
      }
      return mail.left > 0
    },
  }
  return scheduler.attach(runnable)
}

export const schedulerChecks: readonly SchedulerCheck[] = [
  {
    title: 'drains an actor that was woken, and no other',
    check: async (scheduler) => {
      const drained: string[] = []
      const slots = ['a$1', 'b$1', 'a$2'].map((id) => scheduler.attach({ id, drain: () => (drained.push(id), false) }))
      slots[1]?.wake()
      await until(() => drained.length > 0, 'a drain')
      await turns(20)
      assert.deepEqual(drained, ['b$1'])
    },
  },
  {
    title: 'does not drain inside of wake',
    check: async (scheduler) => {
      let drained = 0
      const slot = scheduler.attach({ id: 'a$1', drain: () => ((drained += 1), false) })
      slot.wake()
      assert.equal(drained, 0)
      await until(() => drained === 1, 'a drain')
    },
  },
  {
    title: 'calls again until no mail is left, with a budget from 1 to 16',
    check: async (scheduler) => {
      const budgets: number[] = []
      let left = 100
      const slot = scheduler.attach({
        id: 'a$1',
        drain: (budget) => {
          budgets.push(budget)
          left -= Math.min(budget, left)
          return left > 0
        },
      })
      slot.wake()
      await until(() => left === 0, 'all mail handled')
      await turns(20)
      assert.equal(left, 0)
      assert.ok(budgets.every((budget) => budget >= 1 && budget <= 16))
    },
  },
  {
    title: 'never drains an actor twice at a time',
    check: async (scheduler) => {
      let inside = 0
      let most = 0
      const mail = { left: 40 }
      const slot = actor(scheduler, 'a$1', mail, async () => {
        most = Math.max(most, (inside += 1))
        await nextTurn()
        inside -= 1
      })
      slot.wake()
      await nextTurn()
      slot.wake()
      await until(() => mail.left === 0 && inside === 0, 'all mail handled')
      assert.equal(most, 1)
    },
  },
  {
    title: 'does not lose a wake that comes during a drain',
    check: async (scheduler) => {
      let begun = 0
      // Says that no mail is left: of what came meanwhile the wake alone tells.
      const slot = scheduler.attach({ id: 'a$1', drain: () => ((begun += 1), turns(3).then(() => false)) })
      slot.wake()
      await until(() => begun === 1, 'the first drain')
      slot.wake()
      await until(() => begun === 2, 'the second drain')
    },
  },
  {
    title: 'lets others run beside a handler that waits',
    check: async (scheduler) => {
      const gate = Promise.withResolvers<boolean>()
      const waiting = scheduler.attach({ id: 'a$1', drain: () => gate.promise })
      let drained = 0
      const other = scheduler.attach({ id: 'b$1', drain: () => ((drained += 1), false) })
      waiting.wake()
      await turns(5)
      other.wake()
      await until(() => drained === 1, 'the other actor')
      gate.resolve(false)
    },
  },
  {
    title: 'keeps nobody waiting for more than 256 turns of each other actor, while the others never run out of mail',
    check: async (scheduler) => {
      let turns = 0
      let isOver = false
      const greedy = Array.from({ length: GREEDY }, (_, index) =>
        scheduler.attach({ id: `greedy${index}$1`, drain: () => ((turns += 1), !isOver && turns < 3 * MOST_WAITED) }),
      )
      let drained = 0
      const patient = scheduler.attach({ id: 'patient$1', drain: () => ((drained += 1), false) })
      for (const slot of greedy) slot.wake()
      for (let round = 1; round <= 2; round += 1) {
        const from = turns
        patient.wake()
        await until(() => drained === round || turns - from > MOST_WAITED, 'a turn of the one that waits')
        assert.equal(drained, round, `an actor waits though ${turns - from} turns went to ${GREEDY} others`)
      }
      isOver = true
    },
  },
  {
    title: 'gives the event loop its turns while actors wake each other without end',
    check: async (scheduler) => {
      let turnsOfLoop = 0
      let drains = 0
      const slots: Slot[] = []
      const other = [1, 0]
      for (const index of other.keys()) {
        const drain = (): boolean => {
          drains += 1
          if (turnsOfLoop < 5 && drains < 1_000_000) slots[other[index] ?? -1]?.wake()
          return false
        }
        slots.push(scheduler.attach({ id: `a${index}$1`, drain }))
      }
      slots[0]?.wake()
      for (; turnsOfLoop < 5; turnsOfLoop += 1) await nextTurn()
      assert.ok(drains < 1_000_000, 'the event loop had no turn in a million drains')
    },
  },
  {
    title: 'gives the event loop its turns while answers follow questions without end',
    check: async (scheduler) => {
      let turnsOfLoop = 0
      let rounds = 0
      let answer = (): void => {}
      const slot = scheduler.attach({ id: 'a$1', drain: () => (answer(), false) })
      const asking = async (): Promise<void> => {
        for (; turnsOfLoop < 5 && rounds < 1_000_000; rounds += 1) {
          const answered = new Promise<void>((resolve) => (answer = resolve))
          slot.wake()
          await answered
        }
      }
      void asking()
      for (; turnsOfLoop < 5; turnsOfLoop += 1) await nextTurn()
      assert.ok(rounds > 0, 'no answer came')
      assert.ok(rounds < 1_000_000, 'the event loop had no turn in a million answers')
    },
  },
  {
    title: 'begins no drain after release, though a wake was under way',
    check: async (scheduler) => {
      let drained = 0
      const slot = scheduler.attach({ id: 'a$1', drain: () => ((drained += 1), true) })
      slot.wake()
      slot.release()
      slot.release()
      slot.wake()
      await turns(20)
      assert.equal(drained, 0)
    },
  },
  {
    title: 'takes a release in the middle of a drain, and the same name again',
    check: async (scheduler) => {
      let first = 0
      const slot: Slot = scheduler.attach({
        id: 'a$1',
        drain: async () => {
          first += 1
          slot.release()
          await nextTurn()
          return true
        },
      })
      slot.wake()
      await until(() => first === 1, 'the first drain')
      await turns(20)
      let second = 0
      const again = scheduler.attach({ id: 'a$1', drain: () => ((second += 1), false) })
      again.wake()
      await until(() => second === 1, 'a drain of the second')
      assert.equal(first, 1)
    },
  },
  {
    title: 'runs 300 actors that were woken at once',
    check: async (scheduler) => {
      const drained = new Set<string>()
      const ids = Array.from({ length: 300 }, (_, index) => `lane!3a!${index}$1`)
      const slots = ids.map((id) => scheduler.attach({ id, drain: () => (drained.add(id), false) }))
      for (const slot of slots) slot.wake()
      await until(() => drained.size === 300, 'all drained')
      for (const slot of slots) slot.release()
    },
  },
]
