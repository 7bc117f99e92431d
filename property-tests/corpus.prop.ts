import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Counterexample, readCorpus } from '../src/testing/counterexample.ts'
import { rerun } from '../src/testing/run-property.ts'
import { allProven } from './all-proven.ts'
import type { Proven } from './proven.ts'
import { CORPUS } from './run.ts'

/** `bug` names the planted bug with which one was found. */
type PastFailure = Counterexample & { readonly bug?: string }
const corpus = readCorpus(CORPUS).map(({ file, counterexample }) => ({
  name: basename(file),
  counterexample: counterexample as PastFailure,
}))
const propertyOf = ({ property }: PastFailure): Proven<unknown> | undefined => allProven.find(({ title }) => title === property)

describe('past failures', () => {
  it('are there, each of a property that is [Q-2]', () => {
    expect(corpus.length).toBeGreaterThan(0)
    expect(corpus.filter(({ counterexample }) => propertyOf(counterexample) === undefined)).toEqual([])
  })

  it.each(corpus)('$name: holds now, and still fails with the bug that it was found with [Q-2]', async ({ counterexample }) => {
    const tested = propertyOf(counterexample)!
    expect(await rerun(tested, counterexample)).toMatchObject({ ok: true })
    if (counterexample.bug === undefined) return
    const bug = tested.bugs.find(({ name }) => name === counterexample.bug)
    if (bug === undefined) throw new Error(`no bug "${counterexample.bug}" is planted any more`)
    await bug.with(async (planted) => {
      const { ok, lines } = await rerun(planted, counterexample)
      expect(ok).toBe(false)
      // Step by step the same, or it is another failure than the one that was stored.
      expect(lines).toEqual(counterexample.trace)
    })
  })
})
