import { expect, it } from 'vitest'
import { judgeAll, verdictTable } from '../../property-tests/proven.ts'
import { lanesBroughtBack } from '../../property-tests/recovery.property.ts'

// Each run of the property costs a second or two of git: judging all bugs takes minutes.
it('planted bugs of saving lanes and bringing them back are all caught [LN-7, Q-2]', async () => {
  const verdicts = await judgeAll(lanesBroughtBack)
  console.log(verdictTable(verdicts))
  expect(verdicts.filter(({ caughtAfter }) => caughtAfter === null).map(({ bug }) => bug)).toEqual([])
}, 7_200_000)
