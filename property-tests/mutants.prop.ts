import { describe, expect, it } from 'vitest'
import { allProven } from './all-proven.ts'
import { judgeAll, passesUnplanted, type Proven, type Verdict, verdictTable } from './proven.ts'

const LEAST_BUGS = 20

describe('planted bugs', () => {
  it('are all caught, and each property catches some [SUP-10, Q-2]', async () => {
    const verdicts: Verdict[] = []
    for (const each of allProven) verdicts.push(...(await judgeAll(each)))
    const missed = verdicts.filter(({ caughtAfter }) => caughtAfter === null)
    console.log(`${verdictTable(verdicts)}\n${verdicts.length - missed.length} caught, ${missed.length} missed`)
    expect(missed.map(({ bug, property }) => `${bug}: ${property}`)).toEqual([])
    const useless = allProven.filter(
      ({ title }) => !verdicts.some(({ property, caughtAfter }) => property === title && caughtAfter !== null),
    )
    expect(useless.map(({ title }) => title)).toEqual([])
    expect(verdicts.length).toBeGreaterThanOrEqual(LEAST_BUGS)
    expect(new Set(verdicts.map(({ area }) => area))).toEqual(
      new Set(['kernel', 'supervisors', 'bus', 'control', 'pty', 'lane', 'ids', 'input', 'output', 'runs']),
    )
  }, 1_800_000)

  it('are said to be missed where nothing catches them', async () => {
    const blind: Proven<unknown> = { ...allProven[0]!, title: 'blind', bugs: [allProven[0]!.control] }
    const verdicts = await judgeAll(blind)
    expect(verdicts).toMatchObject([{ caughtAfter: null, property: 'blind' }])
    expect(verdictTable(verdicts)).toMatch(/^MISSED/m)
  }, 120_000)

  it.each(allProven)(
    'are what is caught, and not the planting: $title',
    async (each) => expect(await passesUnplanted(each)).toBe(true),
    120_000,
  )
})
