import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { processTableContract } from '../../contracts/process-table.contract.ts'

processTableContract(process.platform, createProcessTable)
