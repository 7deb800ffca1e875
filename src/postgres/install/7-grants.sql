-- Who may call what. A client's session may call these, and nothing else of the schema.

revoke all on all functions in schema throughline from public;
grant execute on function throughline.plan, throughline.planned, throughline.lock, throughline.stage, throughline.close,
  throughline.undone, throughline.refuse, throughline.note_role to public;
