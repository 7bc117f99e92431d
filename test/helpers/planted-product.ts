import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')

/** A bug that can be planted in the built product: one text of one file, replaced. */
export type PlantedBug = { readonly file: string; readonly from: string; readonly to: string }

/** Runs with the command of a copy of what is built, in which the bug is planted. */
export const withPlanted = async ({ file, from, to }: PlantedBug, use: (bin: string) => Promise<void>): Promise<void> => {
  const root = await mkdtemp(join(tmpdir(), 'signalbox-planted-'))
  try {
    for (const part of ['bin', 'dist', 'native', 'package.json']) await cp(join(ROOT, part), join(root, part), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'))
    const path = join(root, 'dist', file)
    const text = await readFile(path, 'utf8')
    assert.equal(text.split(from).length, 2, `the text to replace is in ${file} once`)
    await writeFile(
      path,
      text.replace(from, () => to),
    )
    await use(join(root, 'bin/signalbox.js'))
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}
