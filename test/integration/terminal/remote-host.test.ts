import { afterAll } from 'vitest'
import { terminalHostContract } from '../../contracts/terminal-host.contract.ts'
import { type HostWorld, openWorld } from './remote-kit.ts'

const worlds: HostWorld[] = []
afterAll(async () => {
  for (const world of worlds) await world[Symbol.asyncDispose]()
})

terminalHostContract('in a process of its own', () => {
  const world = openWorld()
  worlds.push(world)
  return world.open()
})
