#!/bin/sh
':' //; # Run by sh, this file replaces itself by node, so that pid, signals and exit code are node's own. Run by node, these lines are strings and comments.
':' //; self=$0; [ ! -L "$self" ] || self=$(readlink -f "$self"); own=${self%/*}/../node_modules/.bin/node
':' //; [ -x "$own" ] && exec "$own" "$self" "$@"; exec node "$self" "$@"

// Must parse on any Node.js that knows modules: what follows tells people that theirs is too old.
const [major, minor] = process.versions.node.split('.').map(Number)

if (major < 24 || (major === 24 && minor < 18)) {
  process.stderr.write(`signalbox: ERR_NODE_TOO_OLD: this is Node.js ${process.versions.node} (${process.execPath}).
Use Node.js 24.18 or later: https://nodejs.org, or \`npm install node@24\` in your project; in a clone of signalbox run script/setup.
`)
  process.exitCode = 4
} else {
  // Compiled code is kept among the caches of the user, as short commands spend much of their time compiling.
  const { HOME, XDG_CACHE_HOME: caches = HOME && `${HOME}/.cache` } = process.env
  if (caches) process.getBuiltinModule('node:module').enableCompileCache(`${caches}/signalbox/compiled`)
  import('../dist/cli/main.js')
    .then((cli) => cli.main(process.argv.slice(2)))
    .then(
      (code) => {
        process.exitCode = code
      },
      (error) => {
        const incomplete = error && error.code === 'ERR_MODULE_NOT_FOUND'
        const text = incomplete
          ? `ERR_MODULE_NOT_FOUND: not built, or not installed completely; in a clone run script/setup (${error.message})`
          : (error && error.stack) || error
        process.stderr.write(`signalbox: ${text}\n`)
        process.exitCode = incomplete ? 4 : 1
      },
    )
}
