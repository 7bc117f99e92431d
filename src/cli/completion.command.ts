import { EXIT } from './exit-codes.ts'
import { type Io, safeWriter } from './io.ts'

/** Each script asks `signalbox complete`, so that it never lags behind the command that is installed. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# Completion of signalbox for bash.
_signalbox() {
  local line word last start='' i
  local -a words=()
  COMPREPLY=()
  # names of actors have colons, at which bash breaks words: put them together again, and answer with what follows the last
  for (( i = 1; i <= COMP_CWORD; i++ )); do
    word="\${COMP_WORDS[i]}"
    last=$(( \${#words[@]} - 1 ))
    if (( last >= 0 )) && [[ $word == :* || \${words[last]} == *: ]]; then
      words[last]+="$word"
    else
      words+=("$word")
    fi
  done
  word="\${words[\${#words[@]} - 1]}"
  [[ $word == *:* && $COMP_WORDBREAKS == *:* ]] && start="\${word%"\${word##*:}"}"
  while IFS= read -r line; do
    if [[ $line == ':files' ]]; then
      compopt -o default 2>/dev/null
    else
      line="\${line%%$'\\t'*}"
      COMPREPLY+=("\${line#"$start"}")
    fi
  done < <(signalbox complete -- "\${words[@]}" 2>/dev/null)
}
complete -F _signalbox signalbox
`,
  zsh: `#compdef signalbox
# Completion of signalbox for zsh.
_signalbox() {
  local line files=0
  local -a found
  while IFS= read -r line; do
    if [[ $line == ':files' ]]; then
      files=1
    elif [[ $line == *$'\\t'* ]]; then
      found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    else
      found+=("\${line//:/\\\\:}")
    fi
  done < <(signalbox complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( files )) && _files
  (( $#found )) && _describe signalbox found
}
if [[ $funcstack[1] == _signalbox ]]; then _signalbox "$@"; else compdef _signalbox signalbox; fi
`,
  fish: `# Completion of signalbox for fish.
function __signalbox_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    for line in (signalbox complete -- $words[2..-1] "$last" 2>/dev/null)
        if test "$line" = ':files'
            __fish_complete_path "$last"
        else
            echo $line
        end
    end
end
complete -c signalbox -f -a '(__signalbox_complete)'
`,
}

/** `signalbox completion SHELL`. */
export const completionCommand = async (shell: string, io: Io): Promise<number> => {
  safeWriter(io.out).write(SCRIPTS[shell] ?? '')
  return EXIT.ok
}
