// A text with blanks in place of its comments. Postgres's scanner takes time with the square of the length of neighbouring comments, and
// what a statement means does not depend on them.

import { SqlLexer } from "./lexer.js";

/** Returns the text with all its positions in UTF-8 as they were; undefined when it ends within a token or a comment, so that nothing can parse it. */
export function blankComments(text: string): string | undefined {
  if (!text.includes("/*") && !text.includes("--")) return text;
  const lexer = new SqlLexer(text);
  const parts: string[] = [];
  let end = 0;
  do {
    lexer.next();
    parts.push(" ".repeat(Buffer.byteLength(text.slice(end, lexer.start))), text.slice(lexer.start, lexer.end));
    end = lexer.end;
  } while (lexer.kind !== "end");
  return lexer.isClosed ? parts.join("") : undefined;
}
