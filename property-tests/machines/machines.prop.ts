import { testProperty } from '../run.ts'
import { laneWalks, ptyWalks } from './machines.property.ts'

export { laneWalks, ptyWalks }
testProperty(ptyWalks)
testProperty(laneWalks)
