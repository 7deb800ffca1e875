// What the COPY scripts fill: a table that refuses the row 13.

import { query } from "../build.js";

export const copyTable = query("create temp table t (i int check (i <> 13), s text)");
export const copyIn = "copy t from stdin";
