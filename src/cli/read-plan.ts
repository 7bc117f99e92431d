import { open } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import { SignalboxError } from '../protocols/errors.ts'
import { parsePlan } from '../protocols/plan-parse.ts'
import type { Plan, PlanDefaults } from '../protocols/plan.ts'

/** More than any plan may have, so that /dev/zero ends too. */
const MAX_BYTES = 1_000_001

const readBounded = async (path: string): Promise<Buffer> => {
  await using file = await open(path, 'r')
  const parts: Buffer[] = []
  let length = 0
  while (length < MAX_BYTES) {
    // not positioned: a plan may come through a pipe, as in `signalbox run <(make-plan)`
    const { bytesRead, buffer } = await file.read(Buffer.alloc(65_536), 0, 65_536, null)
    if (bytesRead === 0) break
    parts.push(buffer.subarray(0, bytesRead))
    length += bytesRead
  }
  return Buffer.concat(parts)
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EACCES: 'it may not be read',
}

/** A plan, and the text that it was made from. */
export type PlanFile = { readonly text: string; readonly plan: Plan }

/** @throws ERR_PLAN_NOT_FOUND, and what parsePlan throws */
export const readPlan = async (file: string, cwd: string, defaults?: PlanDefaults): Promise<PlanFile> => {
  const path = isAbsolute(file) ? file : resolve(cwd, file)
  const bytes = await readBounded(path).catch((cause: unknown) => {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new SignalboxError('ERR_PLAN_NOT_FOUND', `cannot read the plan ${file}: ${WHY[code ?? ''] ?? message}`, {
      cause,
      context: { file, path },
    })
  })
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
    return { text, plan: parsePlan(text, file, defaults) }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new SignalboxError('ERR_PLAN_SYNTAX', `${file}:1:1: the plan is not UTF-8; save it as UTF-8`, {
      context: { file, line: 1, column: 1, path: '' },
    })
  }
}
