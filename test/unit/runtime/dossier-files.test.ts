import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CrashDossier } from '../../../src/protocols/dossier.ts'
import { dossierId, dossierPath, pruneDossiers, readDossiers, writeDossier } from '../../../src/runtime/crashes/dossier-files.ts'

const AT = Date.UTC(2026, 0, 1)
const dossier = (at: number, patch: Partial<CrashDossier> = {}): CrashDossier => ({
  type: 'crash',
  id: dossierId(at, 'pty:tm_ü/1', 2),
  at,
  actor: { name: 'pty:tm_1', incarnation: 2, kind: 'pty' },
  lane: 'a',
  command: 'c',
  exit: { reason: 'crashed' },
  handling: null,
  state: null,
  history: [],
  decision: null,
  process: null,
  resources: { orchestrator: null, freeMemoryBytes: 1, load1: 0 },
  lost: 0,
  ...patch,
})

describe('files of dossiers', () => {
  let base: string
  let directory: string
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'signalbox dossiers — ü-'))
    directory = join(base, 'crashes')
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))

  it('are readable by their owner only, whole, and read oldest first [SUP-9]', async () => {
    for (const at of [AT + 5, AT, AT + 60_000]) await writeDossier(directory, dossier(at))
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(readdirSync(directory).map((name) => statSync(join(directory, name)).mode & 0o777)).toEqual([0o600, 0o600, 0o600])
    expect((await readDossiers(directory)).map(({ at }) => at - AT)).toEqual([0, 5, 60_000])
    expect(readdirSync(directory)[0]).toBe('20260101T000000000Z-pty-tm_-1-2.json')
  })

  it('that are damaged, half-written or of others are passed over [SUP-9]', async () => {
    expect(await readDossiers(directory)).toEqual([])
    await writeDossier(directory, dossier(AT))
    writeFileSync(dossierPath(directory, dossierId(AT + 1, 'a', 1)), '{"type":"cra')
    writeFileSync(dossierPath(directory, dossierId(AT + 2, 'a', 1)), 'null')
    writeFileSync(`${dossierPath(directory, dossierId(AT + 3, 'a', 1))}.tmp`, '{')
    writeFileSync(join(directory, 'notes.json'), '{}')
    expect((await readDossiers(directory)).map(({ at }) => at)).toEqual([AT])
  })

  it('go when they are too many, too large together or too old, the oldest first; strangers stay [SUP-9]', async () => {
    for (let n = 0; n < 10; n += 1) await writeDossier(directory, dossier(AT + n))
    writeFileSync(`${dossierPath(directory, dossierId(AT, 'x', 1))}.tmp`, '{')
    writeFileSync(join(directory, 'notes.json'), '{}')
    const left = async (): Promise<number[]> => (await readDossiers(directory)).map(({ at }) => at - AT)
    await pruneDossiers(directory, { files: 7, bytes: 1e9 })
    expect(await left()).toEqual([3, 4, 5, 6, 7, 8, 9])
    const { size } = statSync(dossierPath(directory, dossier(AT + 9).id))
    await pruneDossiers(directory, { files: 7, bytes: 5 * size + 10 })
    expect(await left()).toEqual([5, 6, 7, 8, 9])
    await pruneDossiers(directory, { files: 7, bytes: 1e9 }, AT + 8)
    expect(await left()).toEqual([8, 9])
    expect(readdirSync(directory).filter((name) => !name.includes('pty'))).toEqual(['notes.json'])
    await pruneDossiers(join(base, 'not there'), { files: 1, bytes: 1 })
  })

  it('lose what is largest rather than grow without bound [SUP-9]', async () => {
    const message = { text: 'x'.repeat(300_000) }
    const history = [{ at: 1, type: 't', from: null, lane: 'user', message }]
    await writeDossier(directory, dossier(AT, { history, state: 'small' }))
    await writeDossier(directory, dossier(AT + 1, { state: message, handling: { type: 't', from: null, message } }))
    expect(await readDossiers(directory)).toMatchObject([
      { history: [], state: 'small' },
      { state: '[too large]', handling: null },
    ])
    expect(readFileSync(dossierPath(directory, dossier(AT + 1).id), 'utf8').length).toBeLessThan(10_000)
  })

  it('leave nothing half-written where they cannot be written [SUP-9]', async () => {
    writeFileSync(directory, 'a file')
    await expect(writeDossier(directory, dossier(AT))).rejects.toThrow(/EEXIST|ENOTDIR/u)
    expect(readdirSync(base)).toEqual(['crashes'])
  })
})
