/**
 * Writes the generated pages of docs/reference, or with --check fails when one is not current.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { apiPage } from './api.ts'
import { eventsPage } from './events.ts'
import { planJsonSchema } from '../../src/protocols/plan.schema.ts'
import { configJsonSchema } from '../../src/protocols/config.schema.ts'
import { cliPage, manPage } from './cli.ts'
import { cliSchema } from './cli-schema.ts'
import { configPage } from './config.ts'
import { controlSchema } from './control-schema.ts'
import { errorsPage } from './errors.ts'
import { machinesPage } from './machines.ts'
import { methodsPage } from './methods.ts'
import { traceabilityPage } from './traceability.ts'

const root = join(import.meta.dirname, '../..')
const check = process.argv.includes('--check')

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

const control = controlSchema(root)

const pages: Readonly<Record<string, string>> = {
  'docs/reference/api.md': apiPage(root),
  'docs/reference/events.md': eventsPage(root),
  'docs/reference/errors.md': errorsPage(),
  'docs/reference/machines.md': machinesPage(),
  'docs/reference/methods.md': methodsPage(control),
  'docs/reference/methods.schema.json': `${JSON.stringify(control, null, 2)}\n`,
  'docs/reference/traceability.md': traceabilityPage(root),
  'docs/reference/cli.md': cliPage(),
  'docs/reference/cli.schema.json': `${JSON.stringify(cliSchema(root), null, 2)}\n`,
  'docs/reference/signalbox.1': manPage(version),
  'docs/reference/configuration.md': configPage(),
  'docs/reference/config.schema.json': `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  'docs/reference/plan.schema.json': `${JSON.stringify(planJsonSchema(), null, 2)}\n`,
}

for (const [file, text] of Object.entries(pages)) {
  const path = join(root, file)
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
  if (check) {
    console.error(`${file} is not current; run npm run docs`)
    process.exitCode = 1
  } else {
    writeFileSync(path, text)
    console.log(`wrote ${file}`)
  }
}
