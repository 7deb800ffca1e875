// Where the statement begins that an EXPLAIN explains: behind the word, and behind its options in either form.

/** Returns that place in `text`, the EXPLAIN of a statement that the parser has understood, in bytes of UTF-8. Reads each character once. */
export function explainedAt(text: string): number {
  let at = behindWord(text, behindBlanks(text, 0), "explain") ?? 0;
  at = behindBlanks(text, at);
  if (text[at] === "(") at = behindBlanks(text, text.indexOf(")", at) + 1);
  else
    for (const option of ["analyze", "analyse", "verbose"]) at = behindBlanks(text, behindWord(text, at, option) ?? at);
  return Buffer.byteLength(text.slice(0, at));
}

function behindWord(text: string, at: number, word: string): number | undefined {
  const end = at + word.length;
  return text.slice(at, end).toLowerCase() === word && !/\w/.test(text[end] ?? "") ? end : undefined;
}

/** Behind blanks and comments; those of the form that has an end may be nested. */
function behindBlanks(text: string, start: number): number {
  let at = start;
  for (;;) {
    if (/\s/.test(text[at] ?? "")) at += 1;
    else if (text.startsWith("--", at)) at = endOfLine(text, at);
    else if (text.startsWith("/*", at)) at = behindComment(text, at);
    else return at;
  }
}

function endOfLine(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== "\n" && text[at] !== "\r") at += 1;
  return at;
}

function behindComment(text: string, start: number): number {
  let depth = 0;
  let at = start;
  do {
    if (text.startsWith("/*", at)) [depth, at] = [depth + 1, at + 2];
    else if (text.startsWith("*/", at)) [depth, at] = [depth - 1, at + 2];
    else at += 1;
  } while (depth > 0 && at < text.length);
  return at;
}
