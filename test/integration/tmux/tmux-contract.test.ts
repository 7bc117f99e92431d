import { afterAll, describe } from 'vitest'
import { terminalHostContract } from '../../contracts/terminal-host.contract.ts'
import { noTmux, openTmux, removePlaces } from './tmux-kit.ts'

describe.skipIf(noTmux !== '')(`tmux${noTmux}`, () => {
  afterAll(removePlaces)
  terminalHostContract('tmux', () => openTmux())
})
