-- What stands in the table before each shape.

truncate hubspot.contacts;

insert into hubspot.contacts (id, email, firstname, lastname, company, annualrevenue) values
  ('501', 'ada@example.com', 'Ada', 'Lovelace', 'Engines', 10),
  ('502', 'bob@example.com', 'Bob', 'Stone', 'Acme', 20),
  ('503', 'cyd@example.com', 'Cyd', 'Reed', 'Acme', 30);
