#!/usr/bin/env bash
# Run once by the image of PostgreSQL when the database is made: the roles, and the database `sunlit` with LOCALE 'C'.
set -euo pipefail
secret() { cat "/run/secrets/$1"; }
psql --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres \
  --set=migrator_password="$(secret migrator_password)" \
  --set=app_password="$(secret app_password)" \
  --set=console_password="$(secret console_password)" \
  --file=/etc/sunlit/roles.sql
