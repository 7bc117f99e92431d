import { describe } from 'vitest'
import { testProperty } from '../run.ts'
import { laneWalks, ptyWalks } from './machines.property.ts'

describe('state machines against hand-written tables', () => {
  testProperty(ptyWalks)
  testProperty(laneWalks)
})
