// A failure that a sentence explains: of the config, an API or the database. Nobody needs its stack.

export class Explained extends Error {}
