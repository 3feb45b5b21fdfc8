// The completion for bash, from the command table. Pure functions.
import { firstWords, secondWordsOf } from '../src/commands/command-line.ts';
import {
  type ArgumentSpec,
  BARE_OPTIONS,
  type CommandName,
  commandNames,
  commands,
  optionsOf,
} from '../src/commands/command-table.ts';
import { type OptionName, options } from '../src/commands/option-table.ts';

export function renderBashCompletion(): string {
  const valued = Object.entries(options).flatMap(([name, { value }]) =>
    value === undefined || name === 'config' || name === 'instance' ? [] : [`--${name}`],
  );
  return `# Installed as /usr/share/bash-completion/completions/halfpipe. Written by \`npm run generate\`.
_halfpipe() {
	local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
	local options= arguments= typed= word isValue=
	case $prev in
	--config)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--instance)
		for word in /etc/halfpipe/*.yaml; do
			word=\${word##*/}
			[ "$word" = halfpipe.yaml ] || arguments+=" \${word%.yaml}"
		done
		mapfile -t COMPREPLY < <(compgen -W "$arguments" -- "$cur")
		return
		;;
	${valued.join(' | ')}) return ;;
	esac
	for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $isValue$word in
		--config | --instance | ${valued.join(' | ')}) isValue=yes ;;
		-*) ;;
		*)
			[ -n "$isValue" ] || typed+="$word "
			isValue=
			;;
		esac
	done
	case $typed in
${cases().join('')}	esac
	case $cur in
	-*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur") ;;
	*) mapfile -t COMPREPLY < <(compgen -W "$arguments" -- "$cur") ;;
	esac
}
complete -F _halfpipe halfpipe
`;
}

/** What may follow the words that are typed already. Each of those has a space behind it. */
function cases(): readonly string[] {
  const pairs = firstWords().filter((word) => secondWordsOf(word).length > 0);
  return [
    oneCase("''", BARE_OPTIONS, firstWords()),
    ...pairs.map((word) => oneCase(`'${word} '`, ['help'], secondWordsOf(word))),
    ...commandNames.flatMap(casesOf),
  ];
}

function casesOf(name: CommandName): readonly string[] {
  const specs: readonly ArgumentSpec[] = commands[name].arguments ?? [];
  const [first] = specs;
  const words = first?.words ?? [];
  return [
    ...(words.length === 0 ? [] : [oneCase(`'${name} '`, optionsOf(name), words)]),
    oneCase(`'${name} '*`, optionsOf(name), []),
  ];
}

function oneCase(pattern: string, names: readonly OptionName[], words: readonly string[]): string {
  const given = names.map((name) => `--${name}`).join(' ');
  const following = words.length === 0 ? '' : ` arguments='${words.join(' ')}'`;
  return `	${pattern}) options='${given}'${following} ;;\n`;
}
