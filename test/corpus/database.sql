-- The plain table that the programs run on: shaped as `throughline migrate` makes the mirror of contacts, with three rows
-- whose ids are those that the sandbox gives to its first three.

create schema hubspot;

create table hubspot.contacts (
  id text primary key default 'throughline:' || gen_random_uuid(),
  email text,
  firstname text,
  lastname text,
  phone text,
  company text,
  website text,
  jobtitle text,
  city text,
  state text,
  zip text,
  country text,
  date_of_birth text,
  annualrevenue numeric,
  hubspot_owner_id text,
  lifecyclestage text,
  hs_lead_status text,
  renewal_date date,
  last_visit timestamptz,
  opted_in boolean,
  interests text[],
  hs_object_id numeric,
  createdate timestamptz,
  lastmodifieddate timestamptz,
  num_notes numeric,
  hs_email_domain text,
  hs_full_name_or_email text
);

create unique index contacts_email_key on hubspot.contacts (email);

create role app login;
grant usage on schema hubspot to app;
grant select, insert, update, delete on hubspot.contacts to app;
