import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CrashDossier } from '../../protocols/dossier.ts'

/** What is kept; the oldest go first. */
export type DossierLimits = { readonly files: number; readonly bytes: number }
export const DOSSIER_LIMITS: DossierLimits = { files: 200, bytes: 20_000_000 }
/** One that is larger loses what is largest. */
const FILE_BYTES = 256_000

const NAME = /^\d{8}T\d{9}Z-.+\.json$/
/** Of a process that was killed while it wrote. */
const HALF_WRITTEN = /^\d{8}T\d{9}Z-.+\.json\.tmp$/

export const dossierPath = (directory: string, id: string): string => join(directory, `${id}.json`)

/** A name that sorts by time, of letters that every file system takes. */
export const dossierId = (at: number, name: string, incarnation: number): string =>
  `${new Date(at).toISOString().replaceAll(/[-:.]/g, '')}-${name.replaceAll(/[^A-Za-z0-9_]+/g, '-').slice(0, 80)}-${incarnation}`

const serialised = (dossier: CrashDossier): string => {
  const smaller: readonly Partial<CrashDossier>[] = [{}, { history: [] }, { history: [], state: '[too large]', handling: null }]
  for (const without of smaller) {
    const text = `${JSON.stringify({ ...dossier, ...without }, null, 2)}\n`
    if (Buffer.byteLength(text) <= FILE_BYTES) return text
  }
  return `${JSON.stringify({ ...dossier, ...smaller.at(-1), process: null })}\n`
}

/** Whole or not at all, readable by its owner only. @throws as the file system does */
export const writeDossier = async (directory: string, dossier: CrashDossier): Promise<void> => {
  const path = dossierPath(directory, dossier.id)
  const temporary = `${path}.tmp`
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeFile(temporary, serialised(dossier), { mode: 0o600 })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw error
  }
}

/** Names, oldest first. */
const names = async (directory: string, like = NAME): Promise<string[]> =>
  (await readdir(directory).catch(() => [])).filter((name) => like.test(name)).toSorted()

/** Removes the oldest beyond the limits, and those from before a time. Other processes may do so at the same time. */
export const pruneDossiers = async (directory: string, { files, bytes }: DossierLimits, before = 0): Promise<void> => {
  const oldest = dossierId(before, '', 0).slice(0, 19)
  for (const name of await names(directory, HALF_WRITTEN)) if (name < oldest) await rm(join(directory, name), { force: true })
  let kept = 0
  let size = 0
  for (const name of (await names(directory)).toReversed()) {
    const path = join(directory, name)
    size += (await stat(path).catch(() => null))?.size ?? 0
    kept += 1
    if (kept > files || size > bytes || name < oldest) await rm(path, { force: true })
  }
}

/** All that can be read, oldest first: one that was removed meanwhile, or is damaged, is passed over. */
export const readDossiers = async (directory: string): Promise<readonly CrashDossier[]> => {
  const found: CrashDossier[] = []
  for (const name of await names(directory)) {
    const dossier = parse(await readFile(join(directory, name), 'utf8').catch(() => ''))
    if (dossier !== null) found.push(dossier)
  }
  return found
}

const parse = (text: string): CrashDossier | null => {
  try {
    const value = JSON.parse(text) as Partial<CrashDossier> | null
    return value?.type === 'crash' && typeof value.id === 'string' ? (value as CrashDossier) : null
  } catch {
    return null
  }
}
