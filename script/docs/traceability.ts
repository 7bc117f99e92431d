import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generatedFrom, table } from './markdown.ts'

const REQUIREMENT = /^\| ([A-Z]+-\d+) +\| (.*?) +\|$/gm
/** A title: the text of a call of it, test, describe or property that ends with ids in brackets. */
const TITLE = /(['"`])((?:(?!\1)[^\\\n]|\\.)*?\[((?:[A-Z]+-\d+)(?:[, ]+[A-Z]+-\d+)*)\])\1/g

type Shown = { readonly file: string; readonly title: string; readonly ids: readonly string[] }

const shownIn = (root: string, file: string): readonly Shown[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(TITLE)].map(([, , title = '', ids = '']) => ({
    file,
    title: title.replace(/\s*\[[^\]]*\]$/, '').replaceAll('\\', ''),
    ids: ids.split(/[, ]+/),
  }))

/** @throws when a title names a requirement that does not exist */
export const traceabilityPage = (root: string): string => {
  const requirements = [...readFileSync(join(root, 'docs/reference/requirements.md'), 'utf8').matchAll(REQUIREMENT)].map(
    ([, id = '', text = '']) => ({ id, text }),
  )
  const known = new Set(requirements.map(({ id }) => id))
  const files = globSync(['test/**/*.ts', 'property-tests/**/*.ts'], { cwd: root })
    .filter((file) => !file.includes('test/unit/tooling/fixtures'))
    .sort()
  const shown = files.flatMap((file) => shownIn(root, file))
  const unknown = shown.flatMap(({ file, title, ids }) => ids.filter((id) => !known.has(id)).map((id) => `${file}: "${title}" names ${id}`))
  if (unknown.length > 0) throw new Error(`requirements that do not exist:\n${unknown.join('\n')}`)

  const rows = requirements.map(({ id, text }) => ({ id, text, tests: shown.filter(({ ids }) => ids.includes(id)) }))
  const tested = rows.filter(({ tests }) => tests.length > 0)
  const untested = rows.filter(({ tests }) => tests.length === 0)
  const lines = tested.flatMap(({ id, tests }) => {
    const perFile = Map.groupBy(tests, ({ file }) => file)
    return [...perFile].map(([file, titles], index) => [
      index === 0 ? id : '',
      `[${file}](../../${file})`,
      titles.map(({ title }) => title).join('<br>'),
    ])
  })
  return `${generatedFrom('the titles of the tests and requirements.md')}

# Traceability

Which tests show which [requirement](requirements.md). A requirement is listed here as soon as one test names it; the title says how much of it that test shows.

${tested.length} of ${requirements.length} requirements are named by a test.

## Shown

${table(['id', 'file', 'tests'], lines)}

## Later parts

Not built yet, or built without a test that names it.

${table(
  ['id', 'requirement'],
  untested.map(({ id, text }) => [id, text.replaceAll('\\|', '|')]),
)}
`
}
