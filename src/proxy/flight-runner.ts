// A session's flights: one at a time, each lands when Postgres owes nothing more.

import type { PendingReplies } from "../../protocol/pending-replies.js";
import type { FlightEnd, FlightResult, InjectedStep } from "../write/injected-step.js";
import { Flight } from "./flight.js";
import { type ClientStatement, composeFlight } from "./injected-messages.js";

export type FlightReport = FlightResult & {
  readonly completion?: Buffer | undefined;
  readonly copyIn?: Buffer | undefined;
};

export class FlightRunner {
  /** On its way. */
  current: Flight | undefined;
  /** The last flight to fail left a statement of ours behind: its Close was skipped. */
  private dirty = false;

  constructor(
    private readonly replies: PendingReplies,
    private readonly toPostgres: (pieces: readonly Buffer[]) => void,
  ) {}

  /**
   * Sends injected messages and waits until Postgres owes nothing more, the client's own replies included; or, without any message,
   * until it reads the rows of a COPY of the client's.
   */
  async fly(steps: readonly InjectedStep[], end: FlightEnd, statement: ClientStatement): Promise<FlightReport> {
    const { skipping } = this.replies;
    // An earlier message failed: Postgres reads nothing before the next Sync.
    if (skipping && end === "flush") return { kind: "over" };
    const flight = new Flight(steps, steps.length === 0 && end === "flush", statement.shift ?? 0);
    this.current = flight;
    this.toPostgres(composeFlight({ steps, end, client: statement, dirty: this.dirty }, this.replies));
    if (this.replies.empty || (flight.onlyWaits && this.replies.awaitsRows)) this.land(false);
    const landing = await flight.landing;
    // What is sent while Postgres skips to a Sync cleans up nothing.
    this.dirty = landing.kind === "failed" || (this.dirty && (skipping || landing.kind === "over"));
    return { ...landing, completion: flight.completion, copyIn: flight.copyIn };
  }

  /** `lost`: nothing more can come. */
  land(lost: boolean): void {
    const { current } = this;
    this.current = undefined;
    current?.land(lost);
  }
}
