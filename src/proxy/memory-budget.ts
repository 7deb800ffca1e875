// How many bytes of unfinished messages, of rows and of bound values the proxy keeps for its clients: for one session, for all of an
// address, and over all. When a limit is passed, the session that keeps most of what the limit counts is ended: never one that keeps little.

import type { SqlError } from "../postgres/error-catalogue.js";
import { addressKeepsMuch, proxyKeepsMuch, sessionKeepsMuch } from "./proxy-errors.js";

export interface MemoryLimits {
  readonly sessionBytes: number;
  readonly addressBytes: number;
  readonly allBytes: number;
}

/** What one address may keep of the bytes that all may, and what one session may. */
const addressShare = 1 / 2;
const sessionShare = 1 / 4;

/** Returns the limits of which `allBytes` is the one over all. */
export function memoryLimits(allBytes: number): MemoryLimits {
  return { sessionBytes: allBytes * sessionShare, addressBytes: allBytes * addressShare, allBytes };
}

export class MemoryBudget {
  private readonly accounts = new Set<MemoryAccount>();
  private readonly addressBytes = new Map<string, number>();
  private bytes = 0;

  constructor(private readonly limits: MemoryLimits) {}

  /** Opens the account of a session. `refuse` ends the session, with an error that says which limit was passed. */
  open(address: string, refuse: (error: SqlError) => void): MemoryAccount {
    const account = new MemoryAccount(address, refuse, (changed, difference) => this.change(changed, difference));
    this.accounts.add(account);
    return account;
  }

  private change(account: MemoryAccount, difference: number): void {
    const { address } = account;
    const { limits } = this;
    this.bytes += difference;
    const ofAddress = (this.addressBytes.get(address) ?? 0) + difference;
    if (ofAddress === 0) this.addressBytes.delete(address);
    else this.addressBytes.set(address, ofAddress);
    if (account.isClosed) this.accounts.delete(account);
    if (difference <= 0) return;
    if (account.bytes > limits.sessionBytes) account.end(sessionKeepsMuch(limits.sessionBytes));
    else if (ofAddress > limits.addressBytes)
      this.largest((one) => one.address === address)?.end(addressKeepsMuch(address, limits.addressBytes));
    else if (this.bytes > limits.allBytes) this.largest(() => true)?.end(proxyKeepsMuch(limits.allBytes));
  }

  /** Of those that have not been ended already. */
  private largest(isMeant: (account: MemoryAccount) => boolean): MemoryAccount | undefined {
    let largest: MemoryAccount | undefined;
    for (const account of this.accounts)
      if (isMeant(account) && !account.isEnded && account.bytes > (largest?.bytes ?? 0)) largest = account;
    return largest;
  }
}

/** What one session keeps. */
export class MemoryAccount {
  bytes = 0;
  isClosed = false;
  /** The session has been told to end. */
  isEnded = false;

  constructor(
    readonly address: string,
    private readonly refuse: (error: SqlError) => void,
    private readonly changed: (account: MemoryAccount, difference: number) => void,
  ) {}

  /** Says how many bytes the session keeps now. To be called after each chunk: of the same number nothing comes. */
  keep(bytes: number): void {
    if (bytes === this.bytes || this.isClosed) return;
    const difference = bytes - this.bytes;
    this.bytes = bytes;
    this.changed(this, difference);
  }

  /** Ends the session. */
  end(error: SqlError): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.refuse(error);
  }

  /** The session keeps nothing any more. */
  close(): void {
    if (this.isClosed) return;
    const { bytes } = this;
    this.bytes = 0;
    this.isClosed = true;
    this.changed(this, -bytes);
  }
}
