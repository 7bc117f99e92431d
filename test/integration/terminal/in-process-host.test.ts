import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { createInProcessTerminalHost } from '../../../src/terminal-host/in-process-host.ts'
import { terminalHostContract } from '../../contracts/terminal-host.contract.ts'

terminalHostContract('in-process', () => createInProcessTerminalHost({ clock: systemClock, processTable: createProcessTable() }))
