import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createProcessTable } from '../adapters/process-table.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { SignalboxError } from '../protocols/errors.ts'
import { defaultStateHome, statePaths } from '../runtime/paths.ts'
import { readRecord } from '../runtime/service/orchestrator-record.ts'
import { tailOf } from '../runtime/service/service-log.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, safeWriter } from './io.ts'
import { workspaceOf } from './workspace-of.ts'
import { pause } from '../ports/clock.port.ts'

export type LogsOptions = { readonly follow?: boolean; readonly lines?: number }

const LOOK_MS = 200
const BLOCK = 65_536

const nothing = (why: string): SignalboxError => new SignalboxError('ERR_ORCHESTRATOR_NOT_RUNNING', why)

/** What was added since an offset. A file that is shorter was emptied: it is read from its start. */
const addedSince = (path: string, offset: number): { readonly bytes: Buffer; readonly offset: number } => {
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    const from = size < offset ? 0 : offset
    const buffer = Buffer.alloc(Math.min(size - from, BLOCK))
    const read = readSync(fd, buffer, 0, buffer.length, from)
    return { bytes: buffer.subarray(0, read), offset: from + read }
  } finally {
    closeSync(fd)
  }
}

/** Until the orchestrator is gone, or nobody reads any more. */
const follow = async (path: string, start: number, isOver: () => boolean, io: Io): Promise<void> => {
  const out = safeWriter(io.out)
  let offset = start
  for (;;) {
    // asked first, as its last lines come before its end
    const over = isOver()
    const { bytes, offset: next } = addedSince(path, offset)
    offset = next
    if (bytes.length > 0) out.write(bytes.toString('utf8'))
    else if (over || out.closed()) return
    else await pause(systemClock, LOOK_MS)
  }
}

/** `signalbox logs`: the last lines of the orchestrator's log, of the last one when none runs. */
export const logsCommand = async ({ follow: isFollowed, lines = 50 }: LogsOptions, io: Io): Promise<number> => {
  const { commonDir, id } = workspaceOf(io)
  const table = createProcessTable()
  const { living } = readRecord(commonDir, table)
  if (living !== null && living.log === null)
    throw nothing(`the orchestrator, pid ${living.pid}, logs to the terminal or journal where it was started`)
  if (id === null) throw nothing('no orchestrator has ever run on this repository')
  const path = living?.log ?? join(statePaths(defaultStateHome(io.env), id, commonDir).directory, 'orchestrator.log')
  const size = statSync(path, { throwIfNoEntry: false })?.size
  if (size === undefined) throw nothing(`no orchestrator has logged to ${path} yet`)
  const tail = tailOf(path, lines)
  if (tail.length > 0) safeWriter(io.out).write(`${tail.join('\n')}\n`)
  if (isFollowed === true) await follow(path, size, () => readRecord(commonDir, table).living === null, io)
  return EXIT.ok
}
