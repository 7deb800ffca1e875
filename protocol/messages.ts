// The type bytes of protocol 3, by direction, as the manual's chapter "Message Formats" names them.

/** Bytes of a message's header: its type and its length, which counts itself but not the type. */
export const headerLength = 5;

export const Frontend = {
  query: 0x51, // Q
  parse: 0x50, // P
  bind: 0x42, // B
  describe: 0x44, // D
  execute: 0x45, // E
  close: 0x43, // C
  flush: 0x48, // H
  sync: 0x53, // S
  functionCall: 0x46, // F
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyFail: 0x66, // f
  terminate: 0x58, // X
} as const;

export const Backend = {
  authentication: 0x52, // R
  parameterStatus: 0x53, // S
  backendKeyData: 0x4b, // K
  readyForQuery: 0x5a, // Z
  parseComplete: 0x31, // 1
  bindComplete: 0x32, // 2
  closeComplete: 0x33, // 3
  rowDescription: 0x54, // T
  noData: 0x6e, // n
  dataRow: 0x44, // D
  commandComplete: 0x43, // C
  emptyQueryResponse: 0x49, // I
  portalSuspended: 0x73, // s
  errorResponse: 0x45, // E
  noticeResponse: 0x4e, // N
  notificationResponse: 0x41, // A
  copyInResponse: 0x47, // G
} as const;

/** The transaction status byte of ReadyForQuery. */
export const Status = { idle: 0x49, inTransaction: 0x54, failed: 0x45 } as const;
export type Status = (typeof Status)[keyof typeof Status];
