import { join, relative } from 'node:path'
import { type Declared, exportsOf } from './declarations.ts'
import { generatedFrom } from './markdown.ts'

const ENTRIES = [
  { module: 'signalbox', file: 'src/index.ts', about: 'The runtime, embedded in a program. Guide: [embedding](../guide/embedding.md).' },
  {
    module: 'signalbox/supervision',
    file: 'src/supervision.ts',
    about: 'Actors and supervisors alone, for actors of your own. Guide: [embedding](../guide/embedding.md).',
  },
  { module: 'signalbox/client', file: 'src/client/index.ts', about: 'Drives a running orchestrator. [Its methods](methods.md).' },
  {
    module: 'signalbox/testing',
    file: 'src/testing/index.ts',
    about: 'Simulation, faults, checks and properties. Guide: [testing](../guide/testing.md).',
  },
]

/** Lines of a declaration; beyond, the file says it better. */
const MOST_LINES = 80
const FIRST_LINES = 8

const shortened = (text: string): string => {
  const lines = text.split('\n')
  return lines.length <= MOST_LINES ? text : [...lines.slice(0, FIRST_LINES), `// … ${lines.length - FIRST_LINES} lines more`].join('\n')
}

const section = (root: string, { name, text, doc, file }: Declared): string =>
  [`### ${name}`, doc, `\`\`\`ts\n${shortened(text)}\n\`\`\``, `<sub>${relative(root, file)}</sub>`]
    .filter((part) => part !== '')
    .join('\n\n')

/** Every exported name of the package with its declaration and doc comment. */
export const apiPage = (root: string): string => `${generatedFrom("the package's exports")}

# API

What each entry of the package exports: doc comments and declarations as they stand in the code. Times are in milliseconds unless a name says otherwise; \`@throws\` names codes of the [error catalogue](errors.md).

${ENTRIES.map(({ module, file, about }) => {
  const declared = exportsOf(join(root, file))
  const index = declared.map(({ name }) => `[${name}](#${name.toLowerCase()})`).join(' · ')
  return `## \`${module}\`\n\n${about}\n\n${index}\n\n${declared.map((one) => section(root, one)).join('\n\n')}`
}).join('\n\n')}
`
