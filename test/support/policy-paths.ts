// The ways by which a statement writes to the mirror shelf.books with the rights of another role, who made the way in the schema desk: its
// views, rules and SECURITY DEFINER functions. Those of the role head, which are in some of them, may everything.

export interface PolicyPath {
  /** The SQL by which `owner` makes it. */
  readonly make: (owner: string) => string;
  /** The statement that another role sends. */
  readonly run: (owner: string) => string;
  /** DELETE if absent. */
  readonly verb?: "INSERT";
  /** The first version of Postgres that has it. */
  readonly since?: number;
}

const remove = "delete from shelf.books where isbn = '1'";
const definer = (name: string, body: string, language = "plpgsql") =>
  `create function ${name}() returns void language ${language} security definer as $$${body}$$`;

export const policyPaths: Readonly<Record<string, PolicyPath>> = {
  "a view": {
    make: (owner) => `create view desk.${owner}_view as select * from shelf.books`,
    run: (owner) => `delete from desk.${owner}_view where isbn = '1'`,
  },
  "a view of another role over the view": {
    make: (
      owner,
    ) => `create view desk.${owner}_base as select * from shelf.books; grant all on desk.${owner}_base to head;
      set role head; create view desk.${owner}_over as select * from desk.${owner}_base`,
    run: (owner) => `delete from desk.${owner}_over where isbn = '1'`,
  },
  "a view over the view of another role": {
    make: (
      owner,
    ) => `set role head; create view desk.${owner}_below as select * from shelf.books; grant all on desk.${owner}_below to ${owner};
      set role ${owner}; create view desk.${owner}_top as select * from desk.${owner}_below`,
    run: (owner) => `delete from desk.${owner}_top where isbn = '1'`,
  },
  "a view with security_invoker over the view": {
    make: (
      owner,
    ) => `create view desk.${owner}_plain as select * from shelf.books; grant all on desk.${owner}_plain to eve;
      set role head; create view desk.${owner}_invoker with (security_invoker) as select * from desk.${owner}_plain`,
    run: (owner) => `delete from desk.${owner}_invoker where isbn = '1'`,
    since: 15,
  },
  "a rule on a table": {
    make: (owner) => `create table desk.${owner}_table (isbn text);
      create rule r as on insert to desk.${owner}_table do instead delete from shelf.books where isbn = new.isbn`,
    run: (owner) => `insert into desk.${owner}_table values ('1')`,
  },
  "a rule on a view with security_invoker": {
    make: (owner) => `create view desk.${owner}_ruled with (security_invoker = yes) as select isbn from shelf.books;
      create rule r as on delete to desk.${owner}_ruled do instead delete from shelf.books where isbn = old.isbn`,
    run: (owner) => `delete from desk.${owner}_ruled where isbn = '1'`,
    since: 15,
  },
  "MERGE into a view": {
    make: (owner) => `create view desk.${owner}_merged as select * from shelf.books`,
    run: (owner) =>
      `merge into desk.${owner}_merged b using (values ('1')) v(isbn) on b.isbn = v.isbn when matched then delete`,
    since: 17,
  },
  "an upsert into a view": {
    make: (owner) => `create view desk.${owner}_upsert as select * from shelf.books`,
    run: (owner) =>
      `insert into desk.${owner}_upsert (title, isbn) values ('new', '9') on conflict (isbn) do update set title = 'new'`,
    verb: "INSERT",
  },
  "the INSTEAD OF trigger of a view": {
    make: (owner) => `create view desk.${owner}_instead as select isbn from shelf.books;
      create function desk.${owner}_does() returns trigger language plpgsql security definer as
        $$ begin delete from shelf.books where isbn = new.isbn; return new; end $$;
      create trigger t instead of insert on desk.${owner}_instead for each row execute function desk.${owner}_does()`,
    run: (owner) => `insert into desk.${owner}_instead values ('1')`,
  },
  "a view that is written in a CTE": {
    make: (owner) => `create view desk.${owner}_cte as select * from shelf.books`,
    run: (owner) => `with gone as (delete from desk.${owner}_cte where isbn = '1' returning isbn) select * from gone`,
  },
  "a function": {
    make: (owner) => definer(`desk.${owner}_remove`, remove, "sql"),
    run: (owner) => `select desk.${owner}_remove()`,
  },
  "a function that another function calls": {
    make: (owner) => `${definer(`desk.${owner}_inner`, `begin ${remove}; end`)};
      set role head; create function desk.${owner}_outer() returns void language sql as 'select desk.${owner}_inner()'`,
    run: (owner) => `select desk.${owner}_outer()`,
  },
  "a function that a SECURITY DEFINER function of another role calls": {
    make: (owner) => `${definer(`desk.${owner}_deep`, `begin ${remove}; end`)};
      set role head; ${definer(`desk.${owner}_shallow`, `begin perform desk.${owner}_deep(); end`)}`,
    run: (owner) => `select desk.${owner}_shallow()`,
  },
  "a function that calls the SECURITY DEFINER function of another role": {
    make: (owner) => `set role head; ${definer(`desk.${owner}_lent`, `begin ${remove}; end`)};
      set role ${owner}; ${definer(`desk.${owner}_lends`, `begin perform desk.${owner}_lent(); end`)}`,
    run: (owner) => `select desk.${owner}_lends()`,
  },
  "a function in SQL, in the search path, that calls the SECURITY DEFINER function of another role": {
    make: (owner) => `set role head; ${definer(`desk."${owner} deep down"`, `begin ${remove}; end`)};
      set role ${owner}; ${definer(`desk."${owner} goes on"`, `select desk."${owner} deep down"()`, "sql")}`,
    run: (owner) => `set search_path = desk; select "${owner} goes on"()`,
  },
  "a function that calls the SECURITY DEFINER function of another role in a string": {
    make: (owner) => `set role head; ${definer(`desk.${owner}_told`, `begin ${remove}; end`)};
      set role ${owner}; ${definer(`desk.${owner}_tells`, `begin execute 'select desk.${owner}_told()'; end`)};
      set role head; create procedure desk.${owner}_asks() language plpgsql as 'begin perform desk.${owner}_tells(); end'`,
    run: (owner) => `call desk.${owner}_asks()`,
  },
  "a function that makes a cascade fire": {
    make: (owner) => definer(`desk.${owner}_parent`, "begin delete from desk.shelves where id = 1; end"),
    run: (owner) => `with none as (delete from shelf.books where false) select desk.${owner}_parent()`,
  },
  "a view on a table whose cascade leads there": {
    make: (owner) => `create view desk.${owner}_shelves as select * from desk.shelves`,
    run: (owner) => `with none as (delete from shelf.books where false) delete from desk.${owner}_shelves where id = 1`,
  },
  "a function in a DO block": {
    make: (owner) => definer(`desk.${owner}_do`, `begin ${remove}; end`),
    run: (owner) => `do $$ begin perform desk.${owner}_do(); end $$`,
  },
  "a procedure with SQL of its own": {
    make: (owner) =>
      `create procedure desk.${owner}_put() language plpgsql security definer as $$ begin execute '${remove.replaceAll("'", "''")}'; end $$`,
    run: (owner) => `call desk.${owner}_put()`,
  },
  "a function with a body of SQL": {
    make: (owner) =>
      `create function desk.${owner}_atomic() returns void language sql security definer begin atomic ${remove}; end`,
    run: (owner) => `select desk.${owner}_atomic()`,
  },
  "a function that hides its plan from the guard": {
    make: (owner) => `create function desk.${owner}_show(call text) returns text language plpgsql as
        $$ begin perform set_config('throughline.call', call, true); return '1'; end $$;
      ${definer(
        `desk.${owner}_hide`,
        `declare call text := current_setting('throughline.call', true);
        begin perform set_config('throughline.call', '', true); delete from shelf.books where isbn = desk.${owner}_show(call); end`,
      )}`,
    run: (owner) => `select desk.${owner}_hide()`,
  },
  "a view in a function of the caller's rights": {
    make: (owner) => `create view desk.${owner}_named as select * from shelf.books;
      create function desk.${owner}_names() returns void language sql as $$delete from desk.${owner}_named where isbn = '1'$$`,
    run: (owner) => `select desk.${owner}_names()`,
  },
  "a view that a function makes up the name of": {
    make: (owner) => `create view desk.${owner}_secret as select * from shelf.books;
      create function desk.${owner}_makes() returns void language plpgsql as $$
        begin execute 'delete from desk.${owner}_sec' || 'ret where isbn = ''1'''; delete from shelf.books where false; end $$`,
    run: (owner) => `select desk.${owner}_makes()`,
  },
  "the trigger of an ordinary table": {
    make: (owner) => `create table desk.${owner}_local (isbn text);
      create function desk.${owner}_fire() returns trigger language plpgsql security definer as
        $$ begin delete from shelf.books where isbn = new.isbn; return new; end $$;
      create trigger t before insert on desk.${owner}_local for each row execute function desk.${owner}_fire()`,
    run: (owner) => `with none as (delete from shelf.books where false) insert into desk.${owner}_local values ('1')`,
  },
};
