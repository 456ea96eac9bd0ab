#!/usr/bin/env bash
# Makes the secrets of compose.yaml, each in a file of its own below secrets/. Those that are there stay.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/secrets"
umask 077

# secret NAME: 32 random bytes in hexadecimal, which need no quoting anywhere.
secret() { [[ -s $1 ]] || head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$1"; }

# url NAME ROLE PASSWORD: the address of the database with that role.
url() { [[ -s $1 ]] || printf 'postgres://%s:%s@postgres/sunlit\n' "$2" "$(cat "$3")" >"$1"; }

for name in postgres_password migrator_password app_password console_password garage_rpc_secret garage_admin_token; do
  secret "$name"
done
# The master key is 32 bytes in base64; `sunlit key new` makes others.
[[ -s master_key ]] || head -c 32 /dev/urandom | base64 >master_key
url database_url sunlit_app app_password
url migrator_database_url sunlit_migrator migrator_password
# The processes in the containers are neither root nor you, and compose mounts these files as they are.
chmod 644 -- *
chmod 711 .
echo "secrets/ holds the secrets: keep the folder itself from others, and a copy of it apart from the backups."
