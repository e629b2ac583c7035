# SPDX-License-Identifier: MIT
# bash completion for ringless
_ringless()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local options='--seed --seeds --jobs --cpus --verify --special-pool --trace --verbose --model --inf --registry --registry-write --device --watchdog -c -f --keep-going --json --quiet'
    local commands='load unload drivers devices irps pool open close read write flush ioctl internal-ioctl cancel wait advance sleep interrupt model-input add-device start stop query-remove remove surprise-remove eject tree system power power-setting wmi expect expect-data echo'
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W 'run shell inspect inf exports help --version --help' -- "$word"))
        return
    fi
    case $before in
    --verify) COMPREPLY=($(compgen -W 'standard all none' -- "$word")); return ;;
    --seed|--seeds|--jobs|--cpus|--special-pool|--watchdog|--model|--device) return ;;
    -c) COMPREPLY=($(compgen -W "$commands" -- "$word")); return ;;
    --trace|--registry|--registry-write|--inf|-f) COMPREPLY=($(compgen -f -- "$word")); return ;;
    --module) COMPREPLY=($(compgen -W 'ntoskrnl hal' -- "$word")); return ;;
    esac
    case ${COMP_WORDS[1]} in
    help) COMPREPLY=($(compgen -W "run commands models $commands" -- "$word")) ;;
    inspect) COMPREPLY=($(compgen -W '--json' -f -X '!*.sys' -- "$word") $(compgen -d -- "$word")) ;;
    inf) COMPREPLY=($(compgen -W '--json' -f -X '!*.inf' -- "$word") $(compgen -d -- "$word")) ;;
    exports) COMPREPLY=($(compgen -W '--module --json' -- "$word")) ;;
    run|shell)
        if [[ $word == -* ]]; then
            COMPREPLY=($(compgen -W "$options" -- "$word"))
        else
            COMPREPLY=($(compgen -f -X '!*.sys' -- "$word") $(compgen -d -- "$word"))
        fi ;;
    esac
}
complete -o filenames -F _ringless ringless
