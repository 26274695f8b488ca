import { shellWord } from './shell-word.ts';

/**
 * A POSIX shell script that calls a skill with curl.
 *
 * The key reaches curl through a file descriptor, since arguments can be read by every user of the machine.
 *
 * @param skill the skill's name, which is safe in URLs
 * @param gatewayUrl where the gateway is unless SKILLGATE_URL says otherwise
 */
export function callScript(skill: string, gatewayUrl: string): string {
  return `#!/bin/sh
# Calls the skill ${skill} through a Skillgate gateway.
#
#   call.sh '{"…": …}'   the input as JSON
#   call.sh @FILE        from a file
#   call.sh -            from standard input
#
# SKILLGATE_URL        where the gateway is
# SKILLGATE_API_KEY    the key, where the gateway asks for one
# SKILLGATE_TIMEOUT_S  how long to wait for the answer, in seconds; 600 unless said otherwise
#
# Exit status: 0 and the output on standard output, or 1 and the error on standard error.
set -u

default_url=${shellWord(gatewayUrl)}
url="\${SKILLGATE_URL:-$default_url}"
url="\${url%/}"
if [ "$#" -ne 1 ]; then
  echo "usage: call.sh JSON | @FILE | -" >&2
  exit 1
fi
case "$1" in
  @*)
    if [ ! -r "\${1#@}" ]; then
      echo "The file \${1#@} cannot be read." >&2
      exit 1
    fi
    ;;
esac

request() {
  curl --silent --show-error --max-time "\${SKILLGATE_TIMEOUT_S:-600}" \\
    --header 'Content-Type: application/json' --header @/dev/fd/3 --data-binary "$1" \\
    --write-out '\\n%{http_code}' "$url/skills/${skill}" 3<<HEADERS
\${SKILLGATE_API_KEY:+Authorization: Bearer $SKILLGATE_API_KEY}
HEADERS
}

case "$1" in
  @* | -) answer=$(request "@\${1#@}") ;;
  *) answer=$(printf '%s' "$1" | request @-) ;;
esac
sent=$?
if [ "$sent" -ne 0 ]; then
  echo "The gateway at $url did not answer (curl ended with $sent). Is it running, and is SKILLGATE_URL right?" >&2
  exit 1
fi

status=\${answer##*
}
body=\${answer%
*}
if [ "$status" = 200 ]; then
  printf '%s\\n' "$body"
  exit 0
fi
printf '%s\\n' "$body" >&2
exit 1
`;
}
