// What the demo of one API is made of: the mechanism plays it, and knows no API itself.

export interface Show {
  /** The API's name in the config, which is the name of its schema. */
  readonly api: string;
  /** As it calls itself. */
  readonly vendor: string;
  /** What the sandbox stands for. */
  readonly product: string;
  /** What the sandbox lets in whatever it is: a token, a key. */
  readonly credential: string;
  /** throughline.yaml; the mechanism sets DATABASE_URL and SANDBOX_PORT. */
  readonly config: string;
  /** What else the config takes from the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** SQL: what the database has besides the mirrors, and the role "app" may use. */
  readonly ownTables: string;
  startSandbox(): Promise<SeededSandbox>;
  readonly scenes: readonly Scene[];
}

export interface Scene {
  readonly title: string;
  readonly statements: readonly string[];
}

/** It already holds what the first `pull` is to find. */
export interface SeededSandbox {
  readonly url: string;
  readonly port: number;
  /** Newest last. */
  readonly log: readonly SeenRequest[];
  clearLog(): void;
  close(): Promise<void>;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly requestBody: string;
  readonly status: number;
  /** Absent where the API knows no such keys. */
  readonly idempotencyKey?: string | undefined;
}
