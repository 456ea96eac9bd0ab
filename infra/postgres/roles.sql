-- The roles and the database of Sunlit. Run once as a superuser, with passwords of your own:
--   psql --set=migrator_password=… --set=app_password=… --set=console_password=… --file=infra/postgres/roles.sql
-- Nobody logs in as the owner; the migrator is a member of it; the app owns nothing and cannot pass by row-level security; the
-- console of a central agency reads tables of totals alone, of which there are none yet, and no tenant's.
CREATE ROLE sunlit_owner NOLOGIN NOSUPERUSER NOBYPASSRLS;
CREATE ROLE sunlit_migrator LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'migrator_password' IN ROLE sunlit_owner;
CREATE ROLE sunlit_app LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'app_password';
CREATE ROLE sunlit_console LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'console_password';
CREATE DATABASE sunlit OWNER sunlit_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
\connect sunlit
ALTER SCHEMA public OWNER TO sunlit_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON DATABASE sunlit FROM PUBLIC;
GRANT CONNECT ON DATABASE sunlit TO sunlit_migrator, sunlit_app, sunlit_console;
GRANT USAGE ON SCHEMA public TO sunlit_console;
