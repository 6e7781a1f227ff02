#!/bin/sh
# The database's roles, for a PostgreSQL that is new: one that owns the tables and may change them, for migrations, and one
# for the web and the worker, which may only read and write rows. Neither is a superuser. The image runs this once, while
# its volume is empty; after a restore into a new database it is run by hand (docs/deploy.md). It may be run again.
set -eu
[ -z "${DB_PASSWORD_FILE:-}" ] || DB_PASSWORD=$(cat "$DB_PASSWORD_FILE")
: "${DB_PASSWORD:?set DB_PASSWORD, or DB_PASSWORD_FILE}"
exec psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --quiet --set ON_ERROR_STOP=1 \
    --set database="$POSTGRES_DB" --set owner="$DB_OWNER" --set owner_password="$DB_OWNER_PASSWORD" \
    --set app="$DB_USERNAME" --set app_password="$DB_PASSWORD" <<'SQL'
SELECT format('CREATE ROLE %I LOGIN', role) FROM unnest(ARRAY[:'owner', :'app']) AS role
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
ALTER ROLE :"owner" PASSWORD :'owner_password';
ALTER ROLE :"app" PASSWORD :'app_password';
ALTER DATABASE :"database" OWNER TO :"owner";
ALTER SCHEMA public OWNER TO :"owner";
GRANT USAGE ON SCHEMA public TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO :"app";
SQL
