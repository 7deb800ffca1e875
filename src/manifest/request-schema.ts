// The schema of what any request of a manifest is made of: its path, its query and its headers; and of pointers into an answer.

import { z } from "zod";

export const pointer = z.string().regex(/^(\/.*)?$/, 'a JSON pointer begins with "/"');

export const oneOrMany = <T extends z.ZodType>(item: T) =>
  z.union([item, z.array(item)]).transform((value) => (Array.isArray(value) ? value : [value]));

/** A token of RFC 9110. */
export const headerName = z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/, "a header's name has letters, digits and dashes");

/** A value that a template fills in as text; a list is joined by commas. */
const scalar = z.union([z.string(), z.number(), z.boolean()]);
export const path = z.string().regex(/^\//, 'a path begins with "/"');

export const query = z.record(z.string(), z.union([scalar, z.array(scalar)])).optional();
export const headers = z.record(headerName, z.string()).optional();
