# SPDX-License-Identifier: Apache-2.0
# Completion of circuitfs(8) for bash. Its options are those that -h tells.

_circuitfs()
{
	local cur prev
	_get_comp_words_by_ref -n =: cur prev

	if [[ $prev != -o ]]; then
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '-f -d -h -V -o' -- "$cur")
		else
			_filedir -d
		fi
		return
	fi

	# -o OPTION,OPTION=VALUE: the last one is completed.
	local last=${cur##*,}
	local before=${cur%"$last"} name=${last%%=*} value=${last#*=}
	case $last in
	state=*) mapfile -t COMPREPLY < <(compgen -d -- "$value") ;;
	user=*) mapfile -t COMPREPLY < <(compgen -u -- "$value") ;;
	*=*) return ;;
	*)
		# To bash the word begins behind the last "=".
		mapfile -t COMPREPLY < <(compgen -P "${before##*=}" -W "$(
			circuitfs -h | sed -n 's/^  -o \([a-z_-]*=\{0,1\}\).*/\1/p'
		)" -- "$name")
		;;
	esac
	[[ ${COMPREPLY[0]-} == *= || $last == state=* ]] && compopt -o nospace
} &&
	complete -F _circuitfs circuitfs
