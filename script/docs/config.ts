import { SETTINGS } from '../../src/protocols/config.schema.ts'
import { generatedFrom, table } from './markdown.ts'

export const configPage = (): string => `${generatedFrom('src/protocols/config.schema.ts')}

# Configuration

A setting may be given in five places. Of a setting that is given more than once the last wins:

1. the default;
2. the file of the user, \`$XDG_CONFIG_HOME/signalbox/config.yaml\` (\`~/.config/signalbox/config.yaml\`);
3. \`signalbox.yaml\` in the top directory of the repository;
4. the environment: an empty variable counts as none;
5. \`--set SETTING=VALUE\` on the command line.

A plan goes before all of these in what it says itself. A key that is not known, a value of the wrong type or out of range is refused, with file, line and column. \`signalbox config explain\` shows each value and where it comes from, \`signalbox config path\` the files. For completion in editors, [config.schema.json](config.schema.json) describes both files:

\`\`\`yaml
# yaml-language-server: $schema=./node_modules/signalbox/docs/reference/config.schema.json
lanes:
  branchPrefix: wip/
run:
  parallel: 8
command:
  graceMs: 10000
  intensity: { restarts: 3, withinMs: 60000 }
\`\`\`

${table(
  ['setting', 'default', 'environment', 'meaning'],
  SETTINGS.map(({ key, default: usual, env, about, reloads }) => [
    `\`${key}\``,
    `\`${String(usual)}\``,
    `\`${env}\``,
    reloads ? about : `${about} A running orchestrator takes a change over when it is started again.`,
  ]),
)}
`
