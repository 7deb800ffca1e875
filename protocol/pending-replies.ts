// The queue of replies that Postgres owes, one byte each, in the order in which the messages were sent.
// It tells an injected statement's answers from the client's, and when nothing more is to come.
//
//   an error of an extended message clears everything up to the next Sync, queued Queries included;
//   a Sync or Flush that Postgres reads inside COPY FROM STDIN gets no reply.

import { Backend } from "./messages.js";

/** The kinds of requests that Postgres answers. */
export const RequestKind = {
  parse: 1,
  bind: 2,
  describe: 3,
  execute: 4,
  close: 5,
  sync: 6,
  query: 7,
  copyEnd: 8,
} as const;
export type RequestKind = (typeof RequestKind)[keyof typeof RequestKind];

/**
 * Where a reply goes. `relay`: to the client. `drop`: nowhere. `capture`: to us. `rows`: rows to the client, the rest to us.
 * `replies`: all but ReadyForQuery to the client. `notices`: notices to the client, the rest nowhere. `mute`: nowhere, though the statement is
 * the client's: its errors are.
 */
export const Delivery = {
  relay: 0,
  drop: 0x10,
  capture: 0x20,
  rows: 0x30,
  replies: 0x80,
  notices: 0x90,
  mute: 0xa0,
} as const;
export type Delivery = (typeof Delivery)[keyof typeof Delivery];

const kindBits = 0x0f;
const routeBits = 0xb0;
/** The client's Parse, Bind or Close changes a tracked name once Postgres has confirmed it. */
const trackedBit = 0x40;

export interface PendingRepliesEvents {
  /** The oldest tracked message was confirmed. */
  confirmed(): void;
  /** The oldest tracked message failed (`skipped` false) or was skipped after an earlier failure. */
  discarded(skipped: boolean): void;
}

export class ProtocolDesync extends Error {}

export class PendingReplies {
  private ring = new Uint8Array(64);
  private head = 0;
  private count = 0;
  /** After an error with no Sync sent yet: Postgres ignores all that comes before the next Sync. */
  skipping = false;
  private copyIn = false;
  /** Syncs that a COPY may have read and ignored; if it failed before it read them, each is answered after all. */
  private absorbed = 0;
  /** CopyInResponse has come, and neither a completion nor an error since. */
  private copying = false;

  constructor(private readonly events: PendingRepliesEvents) {}

  get empty(): boolean {
    return this.count === 0;
  }

  /** Postgres owes the client a ReadyForQuery. */
  get owesReady(): boolean {
    for (let i = 0; i < this.count; i += 1) {
      const entry = this.ring[(this.head + i) & (this.ring.length - 1)] ?? 0;
      const kind = entry & kindBits;
      const isRelayed = (entry & routeBits) === Delivery.relay;
      if (isRelayed && (kind === RequestKind.sync || kind === RequestKind.query)) return true;
    }
    return false;
  }

  /** Postgres reads the rows of a COPY: nothing is answered before they end. */
  get awaitsRows(): boolean {
    return this.copyIn;
  }

  /** Where the next reply goes. */
  get headDelivery(): Delivery {
    return this.count === 0 ? Delivery.relay : (((this.ring[this.head] ?? 0) & routeBits) as Delivery);
  }

  /** Notes a message that is being sent. One that Postgres will ignore is not noted. */
  push(sent: RequestKind, route: Delivery = Delivery.relay, tracked = false): void {
    // Anything but data, Sync or an end is no part of a COPY: it failed before it read those Syncs.
    if (
      this.absorbed > 0 &&
      (this.copyIn || this.skipping) &&
      sent !== RequestKind.sync &&
      sent !== RequestKind.copyEnd
    ) {
      this.copyIn = false;
      this.skipping = false;
      for (; this.absorbed > 0; this.absorbed -= 1) this.append(RequestKind.sync);
    }
    if (this.skipping) {
      if (sent !== RequestKind.sync) {
        if (tracked) this.events.discarded(true);
        return;
      }
      this.skipping = false;
    }
    if (sent === RequestKind.copyEnd) this.copyIn = false;
    else if (this.copyIn && sent === RequestKind.sync) {
      this.absorbed += 1;
      return;
    }
    this.append(sent | route | (tracked ? trackedBit : 0));
    this.dropCopyEnds();
  }

  private append(entry: number): void {
    if (this.count === this.ring.length) this.grow();
    this.ring[(this.head + this.count) & (this.ring.length - 1)] = entry;
    this.count += 1;
  }

  /** Takes a message from Postgres and says where it goes. */
  answer(type: number): Delivery {
    switch (type) {
      case Backend.parseComplete:
        return this.pop(RequestKind.parse);
      case Backend.bindComplete:
        return this.pop(RequestKind.bind);
      case Backend.closeComplete:
        return this.pop(RequestKind.close);
      case Backend.rowDescription:
      case Backend.noData:
        return this.kind === RequestKind.describe ? this.pop(RequestKind.describe) : this.headDelivery;
      case Backend.commandComplete:
      case Backend.emptyQueryResponse:
      case Backend.portalSuspended:
        this.endCopy();
        return this.kind === RequestKind.execute ? this.pop(RequestKind.execute) : this.headDelivery;
      case Backend.readyForQuery:
        if (this.absorbed > 0 && this.kind !== RequestKind.query && this.kind !== RequestKind.sync) return this.late();
        return this.pop(this.kind === RequestKind.query ? RequestKind.query : RequestKind.sync);
      case Backend.errorResponse:
        return this.fail();
      case Backend.copyInResponse:
        this.startCopy();
        return this.headDelivery;
      case Backend.parameterStatus:
      case Backend.notificationResponse:
        return Delivery.relay;
      default:
        return this.headDelivery;
    }
  }

  private get kind(): RequestKind | 0 {
    return this.count === 0 ? 0 : (((this.ring[this.head] ?? 0) & kindBits) as RequestKind);
  }

  private pop(expected: RequestKind): Delivery {
    if (this.kind !== expected) throw new ProtocolDesync(`a reply to ${expected} came, ${this.kind} was owed`);
    const route = this.headDelivery;
    if (((this.ring[this.head] ?? 0) & trackedBit) !== 0) this.events.confirmed();
    this.advance();
    this.dropCopyEnds();
    return route;
  }

  private fail(): Delivery {
    this.copyIn = false;
    this.copying = false;
    const { headDelivery: route, kind } = this;
    if (kind === 0) this.skipping = true;
    if (kind === 0 || endsWithReady(kind)) return route;
    for (let first = true; this.count > 0 && this.kind !== RequestKind.sync; first = false) {
      if (((this.ring[this.head] ?? 0) & trackedBit) !== 0) this.events.discarded(!first);
      this.advance();
    }
    if (this.count === 0) this.skipping = true;
    return route;
  }

  /** The Syncs sent behind this COPY and before its end are read, and ignored, by the copy itself. */
  private startCopy(): void {
    this.copying = true;
    const next = this.firstBehindSyncs();
    // Anything else than its end behind it: no part of a COPY, so it will fail before it reads a Sync.
    this.copyIn = next === undefined;
    if (next !== undefined && next !== RequestKind.copyEnd) return;
    let reading = true;
    this.keepBehindHead((kind) => {
      if (kind === RequestKind.copyEnd) reading = false;
      if (!reading || kind !== RequestKind.sync) return true;
      this.absorbed += 1;
      return false;
    });
  }

  /** A COPY has ended well: what it read is settled, its end included. */
  private endCopy(): void {
    if (!this.copying) return;
    this.copying = false;
    this.copyIn = false;
    this.absorbed = 0;
    let ended = false;
    this.keepBehindHead((kind) => {
      if (ended || kind !== RequestKind.copyEnd) return true;
      ended = true;
      return false;
    });
  }

  private firstBehindSyncs(): number | undefined {
    for (let i = 1; i < this.count; i += 1) {
      const kind = (this.ring[(this.head + i) & (this.ring.length - 1)] ?? 0) & kindBits;
      if (kind !== RequestKind.sync) return kind;
    }
    return undefined;
  }

  private keepBehindHead(keeps: (kind: number) => boolean): void {
    let kept = 1;
    for (let i = 1; i < this.count; i += 1) {
      const entry = this.ring[(this.head + i) & (this.ring.length - 1)] ?? 0;
      if (!keeps(entry & kindBits)) continue;
      this.ring[(this.head + kept) & (this.ring.length - 1)] = entry;
      kept += 1;
    }
    this.count = Math.min(this.count, kept);
  }

  /** A Sync that the failed COPY had not read is answered now. */
  private late(): Delivery {
    this.absorbed -= 1;
    this.skipping = false;
    return Delivery.relay;
  }

  private dropCopyEnds(): void {
    while (this.kind === RequestKind.copyEnd) this.advance();
  }

  private advance(): void {
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.count -= 1;
  }

  private grow(): void {
    const wider = new Uint8Array(this.ring.length * 2);
    for (let i = 0; i < this.count; i += 1) wider[i] = this.ring[(this.head + i) & (this.ring.length - 1)] ?? 0;
    this.ring = wider;
    this.head = 0;
  }
}

/** Whether a ReadyForQuery answers the request: an error in front of that leaves the request in the queue. */
function endsWithReady(request: RequestKind): boolean {
  switch (request) {
    case RequestKind.query:
    case RequestKind.sync:
      return true;
    case RequestKind.parse:
    case RequestKind.bind:
    case RequestKind.describe:
    case RequestKind.execute:
    case RequestKind.close:
    case RequestKind.copyEnd:
      return false;
    default: {
      const strange: never = request;
      throw new ProtocolDesync(`no request has the kind ${strange}`);
    }
  }
}
