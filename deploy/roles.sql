-- The database and its roles. Run by a PostgreSQL superuser, with psql; may be run again.
--
--   sudo -u postgres psql -X -v ON_ERROR_STOP=1 -d postgres -f deploy/roles.sql
--
-- billing_owner     owns the schema, runs migrations
-- billing_api       the workers
-- billing_jobs      the jobs processes
-- billing_readonly  people and reports
-- billing_sandbox   the built-in sandbox processor: its own schema, nothing of ours
--
-- No role has a password here: on one machine pg_hba.conf lets them in by `peer` with a map
-- (deploy/README.md); over a network give each its own with \password.

select format('create role %I login', name)
from unnest(array['billing_owner', 'billing_api', 'billing_jobs', 'billing_readonly', 'billing_sandbox']) as name
where not exists (select from pg_roles where rolname = name)
\gexec

select 'create database billing owner billing_owner encoding ''UTF8'' template template0'
where not exists (select from pg_database where datname = 'billing')
\gexec

revoke all on database billing from public;
grant connect on database billing to billing_api, billing_jobs, billing_readonly, billing_sandbox;

\connect billing
set client_min_messages = warning;
create extension if not exists pg_stat_statements;
