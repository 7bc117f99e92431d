import type { ProcessTable } from '../ports/process-table.port.ts'
import { createDarwinProcessTable } from './darwin/darwin-process-table.adapter.ts'
import { createLinuxProcessTable } from './linux/linux-process-table.adapter.ts'

/** The process table of this platform. */
export const createProcessTable = (): ProcessTable =>
  process.platform === 'darwin' ? createDarwinProcessTable() : createLinuxProcessTable()
